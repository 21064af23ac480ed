//! What all scenarios stand on: the built binary, run as a person runs it, one real control plane
//! for all of them, and one sandbox in memory.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The built binary.
pub(crate) const APPOP: &str = env!("CARGO_BIN_EXE_appop");

/// Nothing that a scenario runs takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a program ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Output {
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// All of stdout.
    pub(crate) stdout: String,
    /// All of stderr.
    pub(crate) stderr: String,
}

impl Output {
    /// Asserts exit code 0 and gives stdout.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(
            self.code, 0,
            "stderr: {}\nstdout: {}",
            self.stderr, self.stdout
        );
        self.stdout
    }
}

/// Runs the built binary without any server configured; stdin is empty.
pub(crate) fn run<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    finish(&mut command(args))
}

/// The built binary in an environment of its own: no kubeconfig, no proxy, no colours, a home
/// without files. For scenarios that need more than [`run`]: other variables, stdin.
pub(crate) fn command<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    isolated(APPOP.as_ref(), Path::new(env!("CARGO_TARGET_TMPDIR")), args)
}

/// A command line for `sh`, in the same environment; what is added to the command is `$0` and so on.
pub(crate) fn shell(line: &str) -> Command {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    isolated("sh".as_ref(), home, ["-c", line])
}

/// Runs a command to its end; fails the test when it takes longer than two minutes.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    output_of(child)
}

/// As [`finish`], with `stdin` to read.
#[track_caller]
pub(crate) fn feed(command: &mut Command, stdin: impl AsRef<[u8]>) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut pipe, bytes) = (child.stdin.take().unwrap(), stdin.as_ref().to_vec());
    // Beside the readers: a program may write before it has read all. One that reads nothing
    // is not a failure.
    thread::spawn(move || pipe.write_all(&bytes));
    output_of(child)
}

#[track_caller]
fn output_of(mut child: Child) -> Output {
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
            panic!("it hangs; stdout: {stdout}, stderr: {stderr}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    Output {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Waits until `condition` is true; fails the test when it is not within `patience`.
#[track_caller]
pub(crate) fn wait_until(patience: Duration, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < until, "it is not so after {patience:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A cluster with two simulated nodes: a real control plane, or the sandbox in memory. One of each
/// is the same for the whole test process. Tests run at the same time, so each works in a namespace
/// (and with cluster-scoped names) of its own.
pub(crate) struct Cluster {
    /// The kubeconfig of the administrator, context `appop-sandbox`.
    pub(crate) kubeconfig: PathBuf,
    home: PathBuf,
}

impl Cluster {
    /// Of a server that somebody else has started.
    pub(crate) fn at(kubeconfig: PathBuf) -> Cluster {
        let home = kubeconfig.parent().unwrap().join("home");
        std::fs::create_dir_all(&home).unwrap();
        Cluster { kubeconfig, home }
    }

    /// Runs the built binary against the cluster.
    pub(crate) fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Output {
        finish(&mut self.command(args))
    }

    /// The built binary, set up for the cluster.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        self.set_up(APPOP.as_ref(), args)
    }

    /// The address of the API server, such as `https://127.0.0.1:34567`.
    pub(crate) fn url(&self) -> String {
        let server = "jsonpath={.clusters[0].cluster.server}";
        self.kubectl(["config", "view", "-o", server]).success()
    }

    /// Runs the kubectl that belongs to the control plane's version.
    pub(crate) fn kubectl<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Output {
        finish(&mut self.set_up(&assets().unwrap().join("kubectl"), args))
    }

    /// As [`Cluster::kubectl`], with `stdin` to read.
    pub(crate) fn kubectl_stdin<I: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        stdin: &str,
    ) -> Output {
        feed(
            &mut self.set_up(&assets().unwrap().join("kubectl"), args),
            stdin,
        )
    }

    /// A command line for `sh`, with appop and that kubectl first on its PATH.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = self.set_up("sh".as_ref(), ["-c", line]);
        let mut path = vec![
            Path::new(APPOP).parent().unwrap().to_owned(),
            assets().unwrap(),
        ];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command.env("PATH", std::env::join_paths(path).unwrap());
        command
    }

    fn set_up<I: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = isolated(program, &self.home, args);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }
}

/// The shared control plane, started when the first scenario asks. `None` where there are no
/// binaries for one; the scenario then returns at once:
///
/// ```ignore
/// let Some(real) = support::real() else { return };
/// ```
pub(crate) fn real() -> Option<&'static Cluster> {
    static REAL: OnceLock<Cluster> = OnceLock::new();
    assets()?;
    Some(REAL.get_or_init(start))
}

/// `KUBEBUILDER_ASSETS`; when it is not set, says on stderr that the running test is not run.
pub(crate) fn assets() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|dir| !dir.is_empty());
    if assets.is_none() {
        let name = thread::current().name().unwrap_or("a test").to_owned();
        // Not with a macro: the harness would hide it, and a test that was not run must not look
        // like one that passed.
        let _ = writeln!(io::stderr(), "{name} needs KUBEBUILDER_ASSETS: not run");
    }
    assets.map(PathBuf::from)
}

/// The shared sandbox in memory, with RBAC as the real control plane has it.
pub(crate) fn sandbox() -> &'static Cluster {
    static SANDBOX: OnceLock<Cluster> = OnceLock::new();
    SANDBOX.get_or_init(|| run_for_good(&["--rbac", "--nodes", "2"]))
}

/// Makes two tests of each function: one with the shared sandbox, one with the real control plane,
/// which is not run where there is none.
macro_rules! on_both {
    ($($scenario:ident),* $(; only real: $($only:ident),*)? $(,)?) => {
        mod sandbox {
            $(#[test]
            fn $scenario() {
                super::$scenario($crate::support::sandbox());
            })*
        }
        mod real {
            $(#[test]
            fn $scenario() {
                if let Some(real) = $crate::support::real() {
                    super::$scenario(real);
                }
            })*
            $($(#[test]
            fn $only() {
                if let Some(real) = $crate::support::real() {
                    super::$only(real);
                }
            })*)?
        }
    };
}
pub(crate) use on_both;

/// A real control plane of its own.
pub(crate) fn start() -> Cluster {
    run_for_good(&["--real", "--nodes", "2"])
}

fn run_for_good(args: &[&str]) -> Cluster {
    let (child, kubeconfig) = start_sandbox(args);
    // The pipe to its stdin must stay open.
    std::mem::forget(child);
    Cluster::at(kubeconfig)
}

/// Runs `appop sandbox` and gives the kubeconfig. It ends when its command does, and that one when
/// its stdin does, which only this process holds open: however the test process ends, the servers
/// end too.
pub(crate) fn start_sandbox<I: AsRef<OsStr>>(
    args: impl IntoIterator<Item = I>,
) -> (Child, PathBuf) {
    let mut child = command(["sandbox"])
        .args(args)
        .args([
            "--",
            "sh",
            "-c",
            "echo \"$KUBECONFIG\"; exec cat >/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    if line.is_empty() {
        panic!(
            "the sandbox did not start: {}",
            read_all(child.stderr.take().unwrap())
        );
    }
    (child, PathBuf::from(line.trim_end()))
}

fn isolated<I: AsRef<OsStr>>(
    program: &Path,
    home: &Path,
    args: impl IntoIterator<Item = I>,
) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .env_clear()
        .env("HOME", home);
    for kept in ["PATH", "TMPDIR", "KUBEBUILDER_ASSETS"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

fn collect(stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || read_all(stream))
}

fn read_all(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
