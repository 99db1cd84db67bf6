internal import Checkpoints
internal import Compute
internal import ExpertTraining
internal import MessagePassing
internal import OptionGroups
internal import Pipelines
internal import Reports
internal import Schedules
internal import SystemPackage
internal import Training

/// What the command prints.
enum TrainingText {
  /// The plan: what is read, written, trained, and what it takes.
  ///
  /// - Parameters:
  ///   - plan: what is planned.
  ///   - output: where it goes.
  ///   - ranks: processes that share the work.
  ///   - seconds: how long a step takes, where that was found out.
  ///   - kept: what is kept from earlier runs, where that was.
  ///   - previews: what pictures on the way take, where any are asked for.
  /// - Returns: a table.
  static func plan(
    _ plan: ExpertPlan, _ output: ExpertOutput, ranks: Int = 1, seconds: Double? = nil,
    kept: KeptResults? = nil, previews: TrainingPreviews.Forecast? = nil
  ) -> String {
    let settings = plan.settings
    var table = TextTable([.left, .left])
    table.add(["model", SafeText.terminal(plan.pipeline.folder.path.string)])
    if let file = plan.request.transformer {
      table.add(["transformer", SafeText.terminal(file.string)])
    }
    table.add([
      "samples",
      Self.samples(of: plan) + " at \(plan.width)x\(plan.height), "
        + Readable.count(plan.imageTokens, "image token"),
    ])
    for picture in plan.pictures {
      let cut = Int((picture.cutShare * 100).rounded())
      table.add([
        "",
        SafeText.terminal(picture.name) + " \(picture.width)x\(picture.height)"
          + (cut > 0 ? ", \(cut) % cut away" : ""),
      ])
    }
    for phase in plan.phases {
      let timesteps = plan.schedule.entries[plan.schedule.indices(of: phase)].map {
        Readable.fixed(Double($0.sigma) * 1000, places: 1)
      }
      table.add(["\(phase)", "timesteps \(timesteps.joined(separator: ", "))"])
    }
    table.add([
      "adapter",
      "rank \(settings.rank), alpha \(Readable.significant(settings.alpha, digits: 6)), "
        + "\(Readable.count(plan.modules.count, "module")) (\(SafeText.terminal(plan.request.targets))), "
        + "\(Readable.parameters(plan.parameterCount)) parameters each",
    ])
    table.add([
      "optimiser",
      "AdamW, \(Readable.count(settings.steps, "step")) each, learning rate "
        + Readable.significant(settings.learningRate.peak, digits: 3)
        + (settings.learningRate.warmupSteps > 0
          ? " after \(settings.learningRate.warmupSteps) steps of warm-up" : "")
        + ", weight decay \(Readable.significant(settings.optimiser.weightDecay, digits: 3))",
    ])
    if ranks > 1 { table.add(["ranks", self.ranks(plan.share(ranks: ranks), of: ranks)]) }
    table.add(["objective", objective(settings)])
    table.add(["memory", memory(plan.memory)])
    for (index, line) in (plan.residency?.lines ?? []).enumerated() {
      table.add([index == 0 ? "device" : "", line])
    }
    table.add([
      "work",
      "\(Readable.operations(plan.memory.step.work.operations)) a step",
    ])
    if let seconds {
      table.add(["", "about \(Readable.duration(.seconds(seconds))) a step on this machine"])
    }
    if let kept { table.add(["kept", self.kept(kept)]) }
    if let previews {
      table.add(["previews", SafeText.terminal(previews.asked.prompt)])
      table.add(["", self.previews(previews)])
    }
    table.add([
      "writes",
      plan.phases.map { SafeText.terminal(output.file($0).string) }.joined(separator: ", "),
    ])
    return table.text()
  }

  private static func ranks(_ share: StepShare, of count: Int) -> String {
    "\(count), at most \(Readable.count(share.largestCount, "item")) of a step on each"
      + (share.busyCount < count ? "; \(count - share.busyCount) with nothing to do" : "")
  }

  /// What a person should know of how ranks share the work.
  static func warnings(_ plan: ExpertPlan, _ ranks: Ranks?) -> [String] {
    guard let ranks else { return [] }
    let busy = plan.share(ranks: ranks.count).busyCount
    guard busy < ranks.count else { return [] }
    let more = plan.phases.count > 1 && !plan.request.phasesAtOnce
    return [
      "--batch \(plan.settings.batch): a step has \(Readable.count(busy, "item")), and "
        + "\(ranks.count - busy) of \(ranks.count) ranks have nothing to do; ask for more with --batch"
        + (more ? ", or train the experts at once with --phases-at-once" : "")
    ]
  }

  private static func objective(_ settings: TrainingSettings) -> String {
    let (teacher, student) = (settings.teacherPasses, settings.studentPasses)
    return "\(settings.objective)"
      + (settings.weighting == .none ? "" : ", weighting \(settings.weighting)")
      + (settings.isTeacherGuided
        ? ", guidance \(Readable.significant(settings.cfg, digits: 3))"
          + (settings.foldsGuidance ? " folded in" : "") : "")
      + "; an item takes "
      + (teacher > 0 ? Readable.count(teacher, "pass", "passes") + " of the teacher and " : "")
      + Readable.count(student, "pass", "passes") + " forward and backward"
  }

  /// How many pictures and captions.
  private static func samples(of plan: ExpertPlan) -> String {
    let (samples, pictures) = (plan.request.samples.count, plan.pictures.count)
    guard pictures > 0 else { return Readable.count(samples, "caption") }
    return Readable.count(pictures, "picture")
      + (samples == pictures ? "" : " with \(Readable.count(samples, "caption"))")
  }

  private static func previews(_ previews: TrainingPreviews.Forecast) -> String {
    Readable.count(previews.pictureCount, "picture") + " of each expert, "
      + (previews.asked.every > 0
        ? "every \(Readable.count(previews.asked.every, "step")) and " : "")
      + "after the last step, " + Readable.count(previews.passes, "pass", "passes")
      + " each; about \(Readable.bytes(previews.byteCount)) beside the above"
  }

  private static func kept(_ kept: KeptResults) -> String {
    func share(_ share: KeptResults.Share, _ noun: String, _ plural: String? = nil) -> String {
      "\(share.kept) of \(Readable.count(share.all, noun, plural))"
    }
    return "from earlier runs: " + share(kept.captions, "caption") + ", "
      + share(kept.pictures, "picture") + ", "
      + share(kept.baseLosses, "loss of the base", "losses of the base")
      + (kept.walks.map { ", " + share($0, "walk of the teacher", "walks of the teacher") } ?? "")
  }

  private static func memory(_ memory: MemoryPlan) -> String {
    let (again, all) = (memory.recomputedBlockCount, memory.blockCount)
    let text =
      "about \(Readable.bytes(memory.byteCount)) beside the mapped weights"
      + (memory.encodingBytes > memory.step.byteCount ? ", to encode the picture; " : "; ")
    let rounded = memory.step.keptPrecision == .float32 ? "" : " as \(memory.step.keptPrecision)"
    guard again > 0 else { return text + "activations are kept\(rounded)" }
    return text + "activations of "
      + (again == all ? "all blocks" : "\(again) of \(Readable.count(all, "block"))")
      + " are computed again in the backward pass (kept\(rounded) they would take "
      + "\(Readable.bytes(memory.keptBytes)))"
  }

  /// The experts and how far they came.
  static func summary(_ experts: [TrainedExpert], _ plan: ExpertPlan) -> String {
    var table = TextTable([.left, .right, .right, .right])
    table.add(["expert", "timestep", "loss of base", "with adapter"])
    for expert in experts {
      for loss in expert.losses {
        table.add([
          "\(expert.phase)", Readable.fixed(Double(loss.sigma) * 1000, places: 1),
          Readable.significant(loss.base, digits: 4),
          Readable.significant(loss.adapted, digits: 4),
        ])
      }
    }
    let losses =
      experts.allSatisfy(\.losses.isEmpty)
      ? "" : table.text() + "(losses with the same noise for both)\n\n"
    return losses
      + experts.map {
        "\($0.phase): \(SafeText.terminal($0.file.string))"
          + ($0.isFromBefore ? " (finished before, nothing to do)\n" : "\n")
      }.joined()
  }
}
