internal import Compute
internal import ExpertTraining
internal import JSON
internal import OptionGroups
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Training

/// What a run tells programs: version 1 of `glance-train-lora --json`, docs/training.md.
struct TrainingReport {
  private let plan: ExpertPlan
  private let output: ExpertOutput
  private let settings: JSONObject
  private var experts: [TrainedExpert]?
  /// What pictures on the way take.
  var previews: TrainingPreviews.Forecast?
  /// Processes that share the work.
  var rankCount = 1

  init(_ plan: ExpertPlan, _ output: ExpertOutput, settings: JSONObject) {
    self.plan = plan
    self.output = output
    self.settings = settings
  }

  /// Takes what came out; without it the report is that of a dry run.
  mutating func add(_ experts: [TrainedExpert]) { self.experts = experts }

  var json: JSONValue {
    var object: JSONObject = [
      "format": "glance-train-lora/1", "dry_run": .bool(experts == nil),
      "family": .string(plan.pipeline.defaults.family), "settings": .object(settings),
      "pictures": .array(
        plan.pictures.map {
          [
            "file": .string($0.file.string), "width": .integer(Int64($0.width)),
            "height": .integer(Int64($0.height)), "cut": .number($0.cutShare),
          ]
        }),
      "schedule": .string(plan.schedule.text),
      "modules": .integer(Int64(plan.modules.count)),
      "parameters": .integer(Int64(plan.parameterCount)),
      "memory_bytes": .integer(Int64(plan.memory.byteCount)),
      "recomputed_blocks": .integer(Int64(plan.memory.recomputedBlockCount)),
      "blocks": .integer(Int64(plan.memory.blockCount)),
      "device": plan.residency?.json ?? .null,
      "kept_as": .string(plan.memory.step.keptPrecision.rawValue),
      "teacher_passes": .integer(Int64(plan.settings.teacherPasses)),
      "student_passes": .integer(Int64(plan.settings.studentPasses)),
      "step_flop": .number(plan.memory.step.work.operations),
      "ranks": .integer(Int64(rankCount)),
      "rank_items": .integer(Int64(plan.share(ranks: rankCount).largestCount)),
      "warnings": .array(plan.notes.map { .string($0) }),
      "experts": .array(experts?.map(expert) ?? plan.phases.map(expert)),
    ]
    if let experts { object["seconds"] = .number(experts.reduce(0) { $0 + $1.seconds }) }
    let files = output.isLogged ? [TrainingLog.suffix] + TrainingLog.derivedSuffixes : []
    object["log"] = .array(files.map { .string(output.companion($0).string) })
    object["previews"] = previews.map(json) ?? .null
    return .object(object)
  }

  private func json(_ previews: TrainingPreviews.Forecast) -> JSONValue {
    [
      "prompt": .string(previews.asked.prompt), "every": .integer(Int64(previews.asked.every)),
      "folder": .string(previews.folder.string),
      "pictures": .integer(Int64(previews.pictureCount)),
      "passes": .integer(Int64(previews.passes)),
      "memory_bytes": .integer(Int64(previews.byteCount)),
    ]
  }

  /// The same, of a dry run that found out how long a step takes, and what is kept from earlier runs.
  func json(stepSeconds: Double, kept: KeptResults?) -> JSONValue {
    var object = json.object ?? [:]
    object["step_seconds"] = .number(stepSeconds)
    object["kept"] =
      kept.map {
        [
          "captions": share($0.captions), "pictures": share($0.pictures),
          "base_losses": share($0.baseLosses), "walks": $0.walks.map(share) ?? .null,
        ]
      } ?? .null
    return .object(object)
  }

  private func share(_ share: KeptResults.Share) -> JSONValue {
    ["kept": .integer(Int64(share.kept)), "all": .integer(Int64(share.all))]
  }

  private func expert(_ phase: Phase) -> JSONValue {
    [
      "phase": .string(phase.name), "file": .string(output.file(phase).string),
      "timesteps": .array(
        plan.schedule.entries[plan.schedule.indices(of: phase)].map {
          .number(Double($0.sigma) * 1000)
        }),
    ]
  }

  private func expert(_ trained: TrainedExpert) -> JSONValue {
    var object = expert(trained.phase).object ?? [:]
    object["steps"] = .integer(Int64(trained.steps))
    object["finished_before"] = .bool(trained.isFromBefore)
    object["seconds"] = .number(trained.seconds)
    object["losses"] = .array(trained.losses.map(\.json))
    return .object(object)
  }
}
