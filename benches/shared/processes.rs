//! Processes and what they have started, as /proc shows them.

use std::fs;

/// The numbers of a process and of all that it has started, directly or not.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let all = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    all.filter(|process| is_below(*process, root)).collect()
}

fn is_below(process: u32, root: u32) -> bool {
    let mut process = process;
    while process != 0 {
        if process == root {
            return true;
        }
        // One that has just ended is nobody's.
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let parent = fields.split(' ').nth(1);
        process = parent.and_then(|parent| parent.parse().ok()).unwrap_or(0);
    }
    false
}
