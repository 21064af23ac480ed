//! The flags of `appop sandbox` that make pods fare badly.

use std::time::Duration;

use crate::cluster::parse_duration;
use crate::sandbox::simulator::{Options, Pattern};

/// How pods fare on the simulated nodes.
#[derive(Debug, clap::Args)]
pub(super) struct Pods {
    /// How long a pod takes to start, such as 5s
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    start_delay: Duration,
    /// Let pods with an image like PATTERN end up in ImagePullBackOff; may be repeated
    #[arg(long, value_name = "PATTERN")]
    fail_image: Vec<Pattern>,
    /// Let pods like PATTERN crash again and again; may be repeated
    #[arg(long, value_name = "PATTERN")]
    fail_pod: Vec<Pattern>,
}

impl Pods {
    /// The same for the simulator.
    pub(super) fn options(&self) -> Options {
        Options {
            start_delay: self.start_delay,
            fail_image: self.fail_image.clone(),
            fail_pod: self.fail_pod.clone(),
        }
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text).ok_or("write it like 500ms, 5s or 2m30s")
}
