"""The page about canaries: expected against found, for somebody who is to trust a policy."""

from __future__ import annotations

from tabsynth.evaluation.canaries import Trial, Trials

_WANTED = {"fail": "fail", "no pass": "fail, or too few rows", "no fail": "no fail"}


def render_trials(trials: Trials) -> str:
    """The result as Markdown: a line for each canary, then each expectation that was not met."""
    made = [trial for trial in trials.trials if trial.made]
    alarms = [finding for finding in trials.findings if finding.expected != "no fail"]
    quiet = [finding for finding in trials.findings if finding.expected == "no fail"]
    lines = [
        "# Would the policy have caught it?",
        "",
        f"Policy `{trials.policy}`, {trials.n_rows:,} rows each of train, holdout and release, seed {trials.seed}. "
        "Each canary is real rows of strangers with one thing done to them; what must set off which limit was written "
        "down beforehand.",
        "",
        f"- {sum(finding.met for finding in alarms)} of {len(alarms)} expected alarms were raised.",
        f"- {sum(finding.met for finding in quiet)} of {len(quiet)} limits that had to stay quiet did.",
        f"- {_wrong(trials)}",
        "",
        "| canary | what it is | must fail | release is | limits broken | as expected |",
        "|---|---|---|---|---|---|",
        *(_line(trial) for trial in made),
    ]
    missed = [(trial, finding) for trial in made for finding in trial.findings if not finding.met]
    if missed:
        lines += ["", "## Not as expected", "", "| canary | limit | expected | found |", "|---|---|---|---|"]
        for trial, finding in missed:
            found = finding.found.value if finding.clause else "no such limit in this policy"
            lines.append(f"| {trial.name} | {finding.metric} | {_WANTED[finding.expected]} | {found} |")
    if absent := [trial for trial in trials.trials if not trial.made]:
        lines += ["", "## Cannot be made from this table", ""]
        lines += [f"- {trial.name}: {trial.about}" for trial in absent]
    return "\n".join(lines) + "\n"


def _wrong(trials: Trials) -> str:
    if not trials.wrong:
        return "No bad release passes, and no good one fails."
    return f"The policy as a whole is wrong about: {', '.join(trials.wrong)}."


def _line(trial: Trial) -> str:
    must = [finding.metric for finding in trial.findings if finding.expected == "fail"]
    open_ = [f"{finding.metric} (may lack rows)" for finding in trial.findings if finding.expected == "no pass"]
    wanted = ", ".join([*must, *open_]) or "nothing"
    right = "yes" if all(finding.met for finding in trial.findings) and trial.caught else "**no**"
    broken = ", ".join(trial.failed) or "none"
    return f"| {trial.name} | {trial.about} | {wanted} | {trial.verdict.value} | {broken} | {right} |"
