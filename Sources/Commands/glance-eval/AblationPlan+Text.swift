internal import Ablation
internal import Evaluation
internal import Reports

extension AblationPlan {
  /// What `--dry-run` tells a person.
  var text: String {
    var table = TextTable([.left, .right, .right])
    table.add(["arm", "trainings", "optimiser steps"])
    for (arm, own) in zip(request.arms, trainingsOfArms) {
      let steps = own.reduce(0) { $0 + trainings[$1].stepCount }
      table.add([SafeText.terminal(arm.drawing.name), "\(own.count)", "\(steps)"])
    }
    return table.text()
      + "\(Readable.count(trainings.count, "training")) in all, each once, of "
      + "\(Readable.count(stepCount(), "optimiser step")); then each arm draws "
      + "\(Readable.count(request.evaluation.prompts.count, "prompt")) from "
      + "\(Readable.count(request.evaluation.seeds, "seed")) of noise with each of its trainings\n"
  }
}
