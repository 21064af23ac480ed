//! API servers that can be gone for a while, while what they serve is looked at, and changed, at
//! another address.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use super::lab::{Admin, install, wait};
use crate::support::{self, Cluster};

/// One that can be gone.
pub(super) trait Server {
    /// The cluster, at the address that is always there.
    fn cluster(&self) -> &'static Cluster;
    /// The address that can be gone.
    fn url(&self) -> String;
    /// It is gone, in the middle of whatever it does.
    fn kill(&mut self);
    /// It is there again, and knows nothing of what happened before.
    fn again(&mut self);
}

/// Free when looked at; nobody else in this process takes it from the system again so soon.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn answers(admin: &Admin) {
    wait("the API server is ready", || {
        let path = "/apis/app.example.com/v1/apps?limit=1";
        admin
            .send(Method::GET, path, "application/json", &Value::Null)
            .ok()
    });
}

/// A sandbox in memory with a file, and a second address of it. When that comes back, the sandbox
/// has started anew from its file.
pub(super) struct Kept {
    cluster: &'static Cluster,
    admin: Admin,
    arguments: Vec<String>,
    port: u16,
    process: Option<Child>,
    door: Option<Door>,
    door_port: u16,
    _directory: TempDir,
}

impl Kept {
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let port = free_port();
        let arguments = [
            "--rbac",
            "--nodes=2",
            &format!("--port={port}"),
            &format!("--data={}", file("data")),
            &format!("--kubeconfig={}", file("config")),
        ]
        .map(str::to_owned)
        .to_vec();
        let (process, kubeconfig) = support::start_sandbox(&arguments);
        let cluster: &Cluster = Box::leak(Box::new(Cluster::at(kubeconfig)));
        let door = Door::open(0, port);
        Kept {
            cluster,
            admin: Admin::of(cluster),
            arguments,
            port,
            process: Some(process),
            door_port: door.port,
            door: Some(door),
            _directory: directory,
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            assert!(process.wait().unwrap().success());
        }
    }
}

impl Server for Kept {
    fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.door_port)
    }

    fn kill(&mut self) {
        self.door = None;
    }

    fn again(&mut self) {
        self.stop();
        self.process = Some(support::start_sandbox(&self.arguments).0);
        answers(&self.admin);
        self.door = Some(Door::open(self.door_port, self.port));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

/// A port that leads to another, for as long as this lives.
struct Door {
    port: u16,
    is_open: Arc<Mutex<Option<Vec<TcpStream>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    fn open(port: u16, to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_open = Arc::new(Mutex::new(Some(Vec::new())));
        let streams = Arc::clone(&is_open);
        let thread = thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let mut streams = streams.lock().unwrap();
                let Some(streams) = &mut *streams else { return };
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                for (from, into) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut into) =
                        (from.try_clone().unwrap(), into.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut into);
                        let _ = into.shutdown(Shutdown::Write);
                    });
                }
                streams.extend([near, far]);
            }
        });
        Door {
            port,
            is_open,
            thread: Some(thread),
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let streams = self.is_open.lock().unwrap().take();
        for stream in streams.into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Who listens finds out at the next knock, which is this one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A second API server over the same etcd.
pub(super) struct Second {
    cluster: &'static Cluster,
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    port: u16,
    admin: Admin,
    process: Option<Child>,
}

impl Second {
    pub(super) fn start(real: &'static Cluster) -> Self {
        let first = real.url();
        let port = first.rsplit(':').next().unwrap();
        let process = process_with(&format!("--secure-port={port}"));
        let arguments = fs::read(process.join("cmdline")).unwrap();
        let arguments = String::from_utf8(arguments).unwrap();
        let free = free_port();
        let of_port = |argument: &str| match argument.starts_with("--secure-port=") {
            true => format!("--secure-port={free}"),
            false => argument.to_owned(),
        };
        let arguments = arguments
            .split_terminator('\0')
            .skip(1)
            .map(of_port)
            .collect();
        let url = format!("https://127.0.0.1:{free}");
        install(&Admin::of(real));
        let mut second = Second {
            cluster: real,
            program: fs::read_link(process.join("exe")).unwrap(),
            directory: fs::read_link(process.join("cwd")).unwrap(),
            arguments,
            port: free,
            admin: Admin::at(real, Some(&url)),
            process: None,
        };
        second.again();
        second
    }
}

impl Server for Second {
    fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// It ends with its standard input, which only this process holds: however that ends.
    fn again(&mut self) {
        let script = "\"$0\" \"$@\" >/dev/null 2>&1 </dev/null & cat >/dev/null; kill -9 $!";
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .arg(&self.program)
            .args(&self.arguments);
        command.current_dir(&self.directory).stdin(Stdio::piped());
        self.process = Some(command.spawn().unwrap());
        answers(&self.admin);
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The directory in /proc of the process that was started with that argument.
fn process_with(argument: &str) -> PathBuf {
    let entries = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let has = |path: &PathBuf| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|part| part == argument.as_bytes())
    };
    entries.into_iter().find(has).unwrap()
}
