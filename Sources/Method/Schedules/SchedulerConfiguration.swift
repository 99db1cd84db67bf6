public import JSON
internal import Text

/// What a model's `scheduler_config.json` says about its grid of sigmas.
public struct SchedulerConfiguration: Sendable, Equatable {
  /// How the even grid is bent toward the noise.
  public var shift: SigmaShift
  /// What the last sigma is stretched to, in (0, 1), or nil.
  public var shiftTerminal: Double?

  /// Timesteps a unit of sigma: what a transformer is told is sigma times this.
  public static let timestepScale: Float = 1000

  /// A configuration made in memory.
  public init(shift: SigmaShift, shiftTerminal: Double? = nil) {
    self.shift = shift
    self.shiftTerminal = shiftTerminal
  }

  /// Reads a `FlowMatchEulerDiscreteScheduler` configuration.
  ///
  /// Keys that are absent have the scheduler's defaults. Settings that would change the sigmas in
  /// ways this toolkit does not have are refused by name.
  ///
  /// - Parameters:
  ///   - json: the document.
  ///   - file: the file's name for errors.
  /// - Throws: ``ScheduleError`` with file, key, what was expected and what was found.
  ///
  /// **Source:** huggingface/diffusers, `scheduling_flow_match_euler_discrete.py`, `__init__`.
  public init(_ json: JSONValue, file: String) throws(ScheduleError) {
    guard let object = json.object else {
      throw .invalid(source: file, expected: "a JSON object", found: "another kind of value")
    }
    let fields = ConfigurationFields(object: object, file: file)
    try fields.requireKnownClass()
    for key in [
      "invert_sigmas", "stochastic_sampling", "use_karras_sigmas", "use_exponential_sigmas",
      "use_beta_sigmas",
    ] where try fields.bool(key) {
      throw .unsupported(
        source: file, setting: "\"\(key)\": true", advice: "set it to false if the model allows")
    }
    let trainTimesteps = try fields.integer("num_train_timesteps", default: 1000)
    guard Float(trainTimesteps) == SchedulerConfiguration.timestepScale else {
      throw .unsupported(
        source: file, setting: "\"num_train_timesteps\": \(trainTimesteps)",
        advice: "the models of these families count 1000 timesteps")
    }
    shift =
      try fields.bool("use_dynamic_shifting")
      ? .dynamic(try fields.timeShift(), try fields.muLine()) : .fixed(try fields.fixedShift())
    shiftTerminal = try fields.shiftTerminal()
  }
}

/// Typed access to the keys of a scheduler configuration; an error names file, key and values.
private struct ConfigurationFields {
  let object: JSONObject
  let file: String

  func invalid(_ key: String, _ expected: String, _ value: JSONValue) -> ScheduleError {
    .invalid(source: "\(file): \"\(key)\"", expected: expected, found: value.text())
  }

  func requireKnownClass() throws(ScheduleError) {
    let expected = "FlowMatchEulerDiscreteScheduler"
    guard let value = object["_class_name"] else { return }
    guard let name = value.string else { throw invalid("_class_name", "a string", value) }
    guard name.sameBytes(as: expected) else {
      throw .unsupported(
        source: file, setting: "scheduler '\(name)'", advice: "expected \(expected)")
    }
  }

  func bool(_ key: String) throws(ScheduleError) -> Bool {
    switch object[key] {
    case nil, .null?: return false
    case .bool(let value)?: return value
    case let other?: throw invalid(key, "true or false", other)
    }
  }

  func integer(_ key: String, default value: Int) throws(ScheduleError) -> Int {
    guard let found = object[key] else { return value }
    // Token counts and timesteps of any real model fit in 31 bits with room to spare.
    guard let integer = found.integer, 1...Int(Int32.max) ~= integer else {
      throw invalid(key, "a positive integer", found)
    }
    return integer
  }

  func number(_ key: String, default value: Double) throws(ScheduleError) -> Double {
    guard let found = object[key] else { return value }
    guard let number = found.double, number.isFinite, abs(number) <= 100 else {
      throw invalid(key, "a number between -100 and 100", found)
    }
    return number
  }

  func timeShift() throws(ScheduleError) -> SigmaShift.TimeShift {
    guard let value = object["time_shift_type"] else { return .exponential }
    guard let name = value.string, let type = SigmaShift.TimeShift(rawValue: name) else {
      throw invalid("time_shift_type", "\"exponential\" or \"linear\"", value)
    }
    return type
  }

  func muLine() throws(ScheduleError) -> SigmaShift.MuLine {
    let baseTokens = try integer("base_image_seq_len", default: 256)
    let maxTokens = try integer("max_image_seq_len", default: 4096)
    guard baseTokens != maxTokens else {
      throw invalid(
        "max_image_seq_len", "another number than base_image_seq_len",
        .integer(Int64(maxTokens)))
    }
    return SigmaShift.MuLine(
      baseTokens: baseTokens, baseShift: try number("base_shift", default: 0.5),
      maxTokens: maxTokens, maxShift: try number("max_shift", default: 1.15))
  }

  func fixedShift() throws(ScheduleError) -> Double {
    let shift = try number("shift", default: 1)
    guard shift > 0 else { throw invalid("shift", "a number above 0", .number(shift)) }
    return shift
  }

  func shiftTerminal() throws(ScheduleError) -> Double? {
    guard let value = object["shift_terminal"], value != .null else { return nil }
    let terminal = try number("shift_terminal", default: 0)
    // The scheduler takes 0 for 'no stretch', as it does null.
    if terminal == 0 { return nil }
    guard 0 < terminal, terminal < 1 else {
      throw invalid("shift_terminal", "null or a number between 0 and 1", value)
    }
    return terminal
  }
}
