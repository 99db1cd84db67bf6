internal import CommandSupport
internal import Compute
internal import Drawing
internal import JSON
internal import Reports
internal import Schedules
internal import SystemPackage

/// What a run tells when it is done.
struct SampleReport {
  let plan: DrawingPlan
  let files: SampleOutput
  private var pictures: [(file: String, prompt: String, seed: UInt64?, seconds: Double)] = []

  init(plan: DrawingPlan, files: SampleOutput) {
    self.plan = plan
    self.files = files
  }

  /// Takes a picture; answers the settings to store in it.
  mutating func add(_ drawn: DrawnPicture) -> JSONValue {
    pictures.append(
      (
        files.file(drawn.index).string, drawn.prompt, drawn.seed,
        drawn.duration / .seconds(1)
      ))
    var settings = shared
    settings["prompt"] = .string(drawn.prompt)
    settings["seed"] = Self.seed(drawn.seed)
    return .object(settings)
  }

  /// What latents that are written are stored with: what the pictures have in common, and prompt and
  /// seed of each.
  var settingsOfLatents: JSONValue {
    var settings = shared
    settings["pictures"] = .array(
      pictures.map { ["prompt": .string($0.prompt), "seed": Self.seed($0.seed)] })
    return .object(settings)
  }

  /// What all pictures have in common. Nothing of the machine but what decides the last bits, so that
  /// equal runs give equal files.
  var shared: JSONObject {
    let request = plan.request
    var object: JSONObject = [
      "version": .string(ToolFacts.version), "arithmetic": .string(Arithmetic.name),
      "model": .string(request.model.lastComponent?.string ?? request.model.string),
      "transformer": wholeTransformer.map { .string($0) } ?? .null,
      "transformers": .array(plan.transformers.map(settings)),
      "adapters": .array(
        plan.adapters.map {
          [
            "file": .string($0.file.lastComponent?.string ?? ""), "strength": .number($0.strength),
            "phase": $0.phase.map { .string($0.name) } ?? .null,
          ]
        }),
      "schedule": .string(plan.schedule.text),
      "compat": .string(request.compatibility?.rawValue ?? "none"),
      "cfg": .number(plan.cfg),
      "negative": plan.cfg == 1 || request.embeddings != nil ? .null : .string(plan.negative),
      "guidance": plan.guidance.map { .number($0) } ?? .null,
      "size": .string("\(request.width)x\(request.height)"),
      "steps": .integer(Int64(plan.walk.steps.count)),
      "passes": .integer(Int64(plan.passesPerPicture)),
    ]
    object["assumed_alpha"] = request.assumedAlpha.map { .number($0) }
    return object
  }

  /// The checkpoint that takes all steps instead of the model's own transformer.
  private var wholeTransformer: String? {
    plan.transformers.first { $0.phase == nil }?.file?.lastComponent?.string
  }

  private func settings(_ applied: AppliedTransformer) -> JSONValue {
    [
      "file": applied.file == nil ? .null : .string(applied.name),
      "phase": applied.phase.map { .string($0.name) } ?? .null,
      "baked_phase": applied.bakedPhase.map { .string($0) } ?? .null,
      "steps": .integer(
        Int64(plan.walk.steps.count { applied.phase == nil || $0.phase == applied.phase })),
    ]
  }

  static func seed(_ seed: UInt64?) -> JSONValue { seed.map { .string("\($0)") } ?? .null }

  /// For programs: version 1 of `glance-sample --json`.
  var json: JSONValue {
    var object = shared
    object["format"] = "glance-sample/1"
    object["pictures"] = .array(
      pictures.map {
        [
          "file": .string($0.file), "prompt": .string($0.prompt), "seed": Self.seed($0.seed),
          "seconds": .number($0.seconds),
        ]
      })
    return .object(object)
  }

  /// For people.
  var text: String {
    var table = TextTable([.left, .right, .right, .right, .left])
    table.add(["picture", "seed", "passes", "seconds", "prompt"])
    for picture in pictures {
      table.add([
        SafeText.terminal(picture.file), picture.seed.map { "\($0)" } ?? "-",
        "\(plan.passesPerPicture)", Readable.fixed(picture.seconds, places: 2),
        SafeText.terminal(picture.prompt, limit: 60),
      ])
    }
    let seconds = pictures.reduce(0) { $0 + $1.seconds }
    let passes = plan.passesPerPicture * pictures.count
    return table.text() + "\n" + walkText
      + "\(Readable.count(passes, "forward pass", "forward passes")) (NFE) in "
      + "\(Readable.duration(.seconds(seconds))), "
      + "\(Readable.significant(seconds / Double(max(passes, 1)), digits: 3)) s a pass\n"
  }
}
