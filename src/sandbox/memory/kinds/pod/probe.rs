//! Probes and handlers of a container's lifecycle.

use k8s_openapi::api::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, Lifecycle, Probe, SleepAction,
    TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::check::{Errors, invalid_each, not_negative, one_of, port, required, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// What a probe or a lifecycle's handler does; one of them.
#[derive(Default)]
struct Handler<'a> {
    exec: Option<&'a ExecAction>,
    http_get: Option<&'a HTTPGetAction>,
    tcp_socket: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

/// Lifecycle and probes of a container that runs on.
pub(super) fn validate(
    errors: &mut Errors,
    container: &Container,
    grace: Option<i64>,
    path: &Path,
) {
    if let Some(lifecycle) = &container.lifecycle {
        validate_lifecycle(errors, lifecycle, grace, &path.child("lifecycle"));
    }
    if let Some(probe) = &container.liveness_probe {
        let path = path.child("livenessProbe");
        validate_probe(errors, probe, grace, &path);
        succeeds_once(errors, probe, &path);
    }
    if let Some(probe) = &container.readiness_probe {
        let path = path.child("readinessProbe");
        validate_probe(errors, probe, grace, &path);
        if let Some(seconds) = probe.termination_grace_period_seconds {
            let why = "must not be set for readinessProbes";
            let path = path.child("terminationGracePeriodSeconds");
            errors.push(FieldError::invalid(&path, seconds, why));
        }
    }
    if let Some(probe) = &container.startup_probe {
        let path = path.child("startupProbe");
        validate_probe(errors, probe, grace, &path);
        succeeds_once(errors, probe, &path);
    }
}

fn succeeds_once(errors: &mut Errors, probe: &Probe, path: &Path) {
    let threshold = probe.success_threshold.unwrap_or_default();
    if threshold != 1 {
        let path = path.child("successThreshold");
        errors.push(FieldError::invalid(&path, threshold, "must be 1"));
    }
}

fn validate_probe(errors: &mut Errors, probe: &Probe, grace: Option<i64>, path: &Path) {
    let handler = Handler {
        exec: probe.exec.as_ref(),
        http_get: probe.http_get.as_ref(),
        tcp_socket: probe.tcp_socket.as_ref(),
        grpc: probe.grpc.as_ref(),
        sleep: None,
    };
    validate_handler(errors, &handler, grace, path);
    let numbers = [
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ];
    for (field, number) in numbers {
        not_negative(
            errors,
            number.unwrap_or_default().into(),
            &path.child(field),
        );
    }
    if let Some(seconds) = probe
        .termination_grace_period_seconds
        .filter(|seconds| *seconds <= 0)
    {
        let path = path.child("terminationGracePeriodSeconds");
        errors.push(FieldError::invalid(
            &path,
            seconds,
            "must be greater than 0",
        ));
    }
}

fn validate_lifecycle(errors: &mut Errors, lifecycle: &Lifecycle, grace: Option<i64>, path: &Path) {
    let handlers = [
        ("postStart", &lifecycle.post_start),
        ("preStop", &lifecycle.pre_stop),
    ];
    for (field, handler) in handlers {
        let Some(handler) = handler else { continue };
        let handler = Handler {
            exec: handler.exec.as_ref(),
            http_get: handler.http_get.as_ref(),
            tcp_socket: handler.tcp_socket.as_ref(),
            grpc: None,
            sleep: handler.sleep.as_ref(),
        };
        validate_handler(errors, &handler, grace, &path.child(field));
    }
}

fn validate_handler(errors: &mut Errors, handler: &Handler<'_>, grace: Option<i64>, path: &Path) {
    let Handler {
        exec,
        http_get,
        tcp_socket,
        grpc,
        sleep,
    } = handler;
    let mut is_first = true;
    // Of several, only the first one is looked into.
    let mut is_next = |errors: &mut Errors, path: &Path| {
        if !is_first {
            errors.push(FieldError::forbidden(
                path,
                "may not specify more than 1 handler type",
            ));
        }
        std::mem::replace(&mut is_first, false)
    };
    if let Some(exec) = exec {
        let path = path.child("exec");
        if is_next(errors, &path) && exec.command.as_ref().is_none_or(Vec::is_empty) {
            errors.push(FieldError::required(&path.child("command"), ""));
        }
    }
    if let Some(http) = http_get {
        let path = path.child("httpGet");
        if is_next(errors, &path) {
            validate_http(errors, http, &path);
        }
    }
    if let Some(tcp) = tcp_socket {
        let path = path.child("tcpSocket");
        if is_next(errors, &path) {
            port(errors, &tcp.port, &path.child("port"));
        }
    }
    if let Some(grpc) = grpc {
        let path = path.child("grpc");
        if is_next(errors, &path) {
            port(errors, &IntOrString::Int(grpc.port), &path.child("port"));
        }
    }
    if let Some(sleep) = sleep {
        let path = path.child("sleep");
        let bound = grace.filter(|grace| !(0..=*grace).contains(&sleep.seconds));
        if is_next(errors, &path)
            && let Some(grace) = bound
        {
            let why = format!(
                "must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            );
            errors.push(FieldError::invalid(&path, sleep.seconds, why));
        }
    }
    if is_first {
        errors.push(FieldError::required(path, "must specify a handler type"));
    }
}

fn validate_http(errors: &mut Errors, http: &HTTPGetAction, path: &Path) {
    required(errors, text(&http.path), &path.child("path"));
    port(errors, &http.port, &path.child("port"));
    one_of(
        errors,
        text(&http.scheme),
        &["HTTP", "HTTPS"],
        &path.child("scheme"),
    );
    for header in http.http_headers.iter().flatten() {
        let wrong = names::http_header_name(&header.name);
        invalid_each(errors, &path.child("httpHeaders"), &header.name, wrong);
    }
}
