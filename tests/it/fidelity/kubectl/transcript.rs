//! The form of a session's file.

/// Commands and what they wrote.
#[derive(Debug, PartialEq)]
pub(super) struct Transcript {
    /// What the session shows: comments, at the top.
    pub(super) head: String,
    pub(super) commands: Vec<Command>,
}

/// One command.
#[derive(Debug, PartialEq)]
pub(super) struct Command {
    /// Comments above it.
    pub(super) comment: String,
    /// What the shell gets.
    pub(super) line: String,
    /// What it wrote.
    pub(super) output: String,
    pub(super) code: i32,
}

impl Command {
    /// Why the sandbox writes something else, where it does.
    pub(super) fn differs(&self) -> Option<&str> {
        self.comment
            .lines()
            .find_map(|line| line.strip_prefix("# differs: "))
    }
}

impl Transcript {
    /// Reads a session; `None` where nothing is typed.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut head = String::new();
        let mut commands: Vec<Command> = Vec::new();
        let mut comment = String::new();
        let mut is_typed = false;
        for line in text.lines() {
            if let Some(typed) = line.strip_prefix("$ ") {
                if commands.is_empty() {
                    head = std::mem::take(&mut comment);
                }
                commands.push(Command {
                    comment: std::mem::take(&mut comment),
                    line: typed.to_owned(),
                    output: String::new(),
                    code: 0,
                });
                is_typed = true;
                continue;
            }
            let Some(command) = commands.last_mut() else {
                comment.push_str(&format!("{line}\n"));
                continue;
            };
            if let Some(more) = line.strip_prefix('>').filter(|_| is_typed) {
                let more = more.strip_prefix(' ').unwrap_or(more);
                command.line.push_str(&format!("\n{more}"));
                continue;
            }
            is_typed = false;
            let code = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            if let Some(code) = code.and_then(|code| code.parse().ok()) {
                command.code = code;
            } else if line.starts_with("# ") {
                comment.push_str(&format!("{line}\n"));
            } else {
                command.output.push_str(&format!("{line}\n"));
            }
        }
        for command in &mut commands {
            command.output.truncate(command.output.trim_end().len());
        }
        (!commands.is_empty()).then_some(Transcript { head, commands })
    }

    /// All that is typed.
    pub(super) fn commands_alone(&self) -> String {
        let lines: Vec<&str> = self.commands.iter().map(|command| &*command.line).collect();
        lines.join("\n")
    }

    /// The file.
    pub(super) fn write(&self) -> String {
        let mut text = self.head.clone();
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(&command.comment);
            text.push_str(&format!("$ {}\n", command.line.replace('\n', "\n> ")));
            if !command.output.is_empty() {
                text.push_str(&format!("{}\n", command.output));
            }
            if command.code != 0 {
                text.push_str(&format!("[{}]\n", command.code));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Transcript;

    #[test]
    fn what_is_read_is_written() {
        let text = "# It shows.\n\n$ kubectl apply -f - <<E\n> {a: 1}\n> E\ncreated\n\n\
                    # differs: it is so\n$ false\n[1]\n\n$ kubectl get\n> quoted\na  b\n\nc\n";
        let read = Transcript::read(text).unwrap();
        assert_eq!(read.write(), text);
        let lines: Vec<&str> = read.commands.iter().map(|c| &*c.line).collect();
        assert_eq!(lines[0], "kubectl apply -f - <<E\n{a: 1}\nE");
        assert_eq!(read.commands[1].code, 1);
        assert_eq!(read.commands[1].differs(), Some("it is so"));
        assert_eq!(read.commands[2].output, "a  b\n\nc");
    }
}
