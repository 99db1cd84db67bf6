internal import Drawing
internal import Evaluation
internal import Reports
internal import Schedules

extension EvaluationPlan {
  /// What `--dry-run` tells a person.
  var text: String {
    var table = TextTable([.left, .right, .right, .left])
    table.add(["arm", "steps", "passes", "compared with"])
    for arm in arms {
      table.add([
        SafeText.terminal(arm.name), "\(arm.plan.walk.steps.count)",
        "\(arm.plan.passesPerPicture)",
        arm.baselines.map { SafeText.terminal(arms[$0].name) }.joined(separator: "; "),
      ])
    }
    return table.text()
      + "\(Readable.count(picturesPerRun, "picture")) of each, "
      + "\(Readable.count(passCount, "forward pass", "forward passes")) (NFE) in all\n"
  }
}
