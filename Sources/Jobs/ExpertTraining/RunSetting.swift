internal import Compute
internal import Elements
public import JSON
internal import Schedules
internal import SystemPackage
internal import Training

/// One setting of a run with its default resolved, by the name of its option without dashes.
///
/// One list of them makes all three: what a saved state must agree with, what an adapter's metadata
/// tell, and the configuration that repeats the run.
public struct RunSetting: Sendable, Equatable {
  /// What a setting decides.
  public enum Role: Sendable {
    /// What every step computes: a state continues only a run with the same value.
    case step
    /// How many steps there are. No step depends on it, since the learning rate doesn't.
    case length
    /// How an expert is written.
    case file
    /// Where things are, what is done beside and by what: the experts are the same whatever it is, up to
    /// the last bits, which ``Arithmetic/name`` tells of.
    case surroundings
  }

  /// Name of the option.
  public let option: String
  /// Its value; null where none was given and there is no default.
  public let value: JSONValue
  /// What it decides.
  public let role: Role

  /// A setting.
  public init(_ option: String, _ value: JSONValue, _ role: Role) {
    self.option = option
    self.value = value
    self.role = role
  }
}

extension ExpertPlan {
  /// Every setting of the request, resolved, in the order of the command's help; what is read and
  /// written is not in it.
  public var runSettings: [RunSetting] {
    scheduleSettings + [
      RunSetting("resolution", .string("\(width)x\(height)"), .step),
      RunSetting("text-tokens", .optional(request.textTokens), .step),
      RunSetting("precision", ProductSettings.shared.recorded, .step),
      RunSetting("blas", .bool(ProductSettings.shared.usesBLAS), .surroundings),
      RunSetting("rank", .integer(Int64(settings.rank)), .step),
      RunSetting("alpha", .number(settings.alpha), .step),
      RunSetting("strength", recordedStrength, .step),
      RunSetting("targets", .string(request.targets), .step),
      RunSetting("steps", .integer(Int64(settings.steps)), .length),
      RunSetting("batch", .integer(Int64(settings.batch)), .step),
      RunSetting("lr", .number(settings.learningRate.peak), .step),
      RunSetting("warmup", .integer(Int64(settings.learningRate.warmupSteps)), .step),
      RunSetting("weight-decay", .number(settings.optimiser.weightDecay), .step),
      RunSetting("beta1", .number(settings.optimiser.beta1), .step),
      RunSetting("beta2", .number(settings.optimiser.beta2), .step),
      RunSetting("eps", .number(settings.optimiser.epsilon), .step),
      RunSetting("clip", .number(settings.clip ?? 0), .step),
      RunSetting("caption-dropout", .number(settings.captionDropout), .step),
      RunSetting("objective", recordedObjective, .step),
      RunSetting("weighting", recordedWeighting, .step),
      RunSetting("cfg", settings.objective.asksTeacher ? .number(settings.cfg) : .null, .step),
      RunSetting("distill-guidance", settings.foldsGuidance ? .bool(true) : .null, .step),
      RunSetting("guidance", .number(settings.guidance), .step),
      RunSetting("seed", .string("\(settings.seed)"), .step),
      RunSetting("compat", settings.followsPublishedArithmetic ? "reference" : .null, .step),
      RunSetting("memory", .optional(request.memoryLimit), .surroundings),
      RunSetting("phases-at-once", request.phasesAtOnce ? .bool(true) : .null, .surroundings),
    ]
  }

  // All are null as every run had them before there were others.
  private var recordedStrength: JSONValue {
    settings.strength == 1 ? .null : .number(settings.strength)
  }
  private var recordedObjective: JSONValue {
    settings.objective == .flowMatching ? .null : .string("\(settings.objective)")
  }
  private var recordedWeighting: JSONValue {
    settings.weighting == .none ? .null : .string("\(settings.weighting)")
  }

  /// How the schedule was asked for; what it came to are the sigmas, which decide. Where the teacher walks
  /// its own grid, that decides too.
  private var scheduleSettings: [RunSetting] {
    let schedule = request.schedule
    func steps(_ list: StepList?) -> JSONValue {
      .optional(list?.steps.map { "\($0)" }.joined(separator: ","))
    }
    return [
      RunSetting("preset", .string("\(schedule.recipe)"), .surroundings),
      settings.objective.trajectories != nil
        ? RunSetting("teacher-steps", .integer(Int64(teacherSigmas.count)), .step)
        : RunSetting("teacher-steps", .optional(schedule.teacherSteps), .surroundings),
      RunSetting("slow-steps", steps(schedule.slowSteps), .surroundings),
      RunSetting("fast-steps", steps(schedule.fastSteps), .surroundings),
      RunSetting("boundary", .optional(schedule.boundary.map { "\($0)" }), .surroundings),
      RunSetting("partition", .optional(schedule.partition.map { "\($0)" }), .surroundings),
    ]
  }

  /// What every step of an expert's run depends on, with the digests of what it reads. Nothing of it
  /// depends on the machine.
  func identity(_ phase: Phase, sampleDigest: String, baseDigest: String) -> JSONObject {
    JSONObject(
      [
        .init(key: "phase", value: .string(phase.name)),
        .init(key: "sigmas", value: .string(schedule.text)),
      ] + runSettings.members { $0 == .step }
        + [
          .init(key: "base_sha256", value: .string(baseDigest)),
          .init(key: "sample_sha256", value: .string(sampleDigest)),
        ])
  }

  /// What decides an expert's file, for its metadata.
  func decidingSettings(_ output: ExpertOutput) -> JSONObject {
    JSONObject((runSettings + output.runSettings).members { $0 != .surroundings })
  }
}

extension ExpertOutput {
  /// How and where experts are written.
  public var runSettings: [RunSetting] {
    [
      RunSetting("output", .string(folder.string), .surroundings),
      RunSetting("name", .string(name), .surroundings),
      RunSetting("title", .optional(title), .file),
      RunSetting("adapter-dtype", .string(dtype == .bf16 ? "bf16" : "f32"), .file),
      RunSetting("legacy-file", .bool(isLegacy), .file),
      RunSetting("save-every", .integer(Int64(saveEvery)), .surroundings),
      RunSetting("keep-state", .bool(keepsStates), .surroundings),
      RunSetting("log", .bool(isLogged), .surroundings),
      RunSetting("preview", .optional(previews?.prompt), .surroundings),
      RunSetting("preview-every", .optional(previews?.every), .surroundings),
    ]
  }
}

extension [RunSetting] {
  /// The given ones of some roles, as members of a JSON object.
  public func members(where isWanted: (RunSetting.Role) -> Bool) -> [JSONObject.Member] {
    filter { isWanted($0.role) && $0.value != .null }.map { .init(key: $0.option, value: $0.value) }
  }
}

extension JSONValue {
  /// A whole number, or null.
  fileprivate static func optional(_ number: Int?) -> JSONValue {
    number.map { .integer(Int64($0)) } ?? .null
  }

  /// A text, or null.
  fileprivate static func optional(_ text: String?) -> JSONValue {
    text.map { .string($0) } ?? .null
  }
}

extension ProductSettings {
  /// The precision as runs record it: null for float32, which every run had before there was another.
  fileprivate var recorded: JSONValue {
    precision == .float32 ? .null : .string(precision.rawValue)
  }
}
