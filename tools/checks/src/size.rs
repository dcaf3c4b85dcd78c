//! Hand-written files stay short enough to be read whole.

use crate::tree::Tree;
use crate::{Outcome, Problem};

const LIMIT: usize = 800;
const HAND_WRITTEN: [&str; 5] = ["rs", "py", "js", "css", "html"];

pub(crate) fn run(tree: &Tree) -> Outcome {
    let mut problems = Vec::new();
    for path in tree.with_extension(&HAND_WRITTEN) {
        let lines = tree.text(path)?.map_or(0, |text| text.lines().count());
        if lines > LIMIT {
            problems.push(Problem {
                place: path.to_owned(),
                what: format!("{lines} lines, {LIMIT} are allowed"),
                fix: "split it by subject; tests may move to a file of their own".to_owned(),
            });
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_line_801_and_not_line_800() {
        let (_directory, tree) = Tree::sample(&[
            ("just.rs", &"x\n".repeat(800)),
            ("over.css", &"x\n".repeat(801)),
            ("lock.json", &"x\n".repeat(5000)),
        ]);
        let problems = run(&tree).unwrap();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "over.css");
        assert_eq!(problems[0].what, "801 lines, 800 are allowed");
    }
}
