internal import Failures
internal import Files
public import JSON
internal import Schedules
public import SystemPackage
internal import Training

/// The log of everything trained under a name: one row for every item of every step.
///
/// A row is never taken away but by ``forget(_:)``. A step that is taken again, after a run was
/// killed between its log and its state, puts its row in the place of the same one.
public struct TrainingLog: Sendable {
  /// What the file of rows, one JSON object a line, ends with after the name.
  public static let suffix = ".jsonl"
  /// What the folder of event files made from it ends with.
  public static let eventsSuffix = ".events"
  /// What everything made from it ends with: a table, a page and event files.
  public static let derivedSuffixes = [".csv", "-report.html", eventsSuffix]

  private var names: [String] = []
  private var steps: [String: [Int: [JSONObject]]] = [:]

  /// A log without rows.
  public init() {}

  /// The log in a file.
  ///
  /// - Throws: when it can't be read, or a line is no row of a log.
  public init(reading file: FilePath) throws {
    let bytes: [UInt8]
    do { bytes = try readWhole(file, atMost: 1 << 30) } catch {
      throw ExpertTrainingError.badSample(
        file: file, detail: "cannot read the log: \(error.reason)", kind: .inputMissing)
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    for (index, line) in lines.enumerated() {
      guard let row = try? JSONValue(parsing: String(line)).object, let name = row["phase"]?.string,
        let step = row["step"]?.integer, row["timestep"]?.double != nil,
        row["loss"]?.double != nil
      else {
        throw ExpertTrainingError.exists(
          file: file,
          advice:
            "its line \(index + 1) is no row of a training log: choose another --name, or allow "
            + "--force")
      }
      if !names.contains(name) { names.append(name) }
      steps[name, default: [:]][step, default: []].append(row)
    }
  }

  /// Adds the rows of a step, in place of those that it has already.
  ///
  /// - Parameters:
  ///   - phase: whose expert was trained.
  ///   - result: what the step did.
  ///   - seconds: how long it took.
  ///   - time: when it ended, in seconds since 1970.
  mutating func add(
    _ phase: Phase, _ result: TrainingRun.StepResult, seconds: Double, time: Double
  ) {
    if !names.contains(phase.name) { names.append(phase.name) }
    steps[phase.name, default: [:]][result.step + 1] = result.items.map { item in
      [
        "phase": .string(phase.name), "step": .integer(Int64(result.step + 1)),
        "timestep": .number(Double(item.sigma) * 1000), "loss": .number(item.loss),
        "gradient_norm": .number(result.gradientNorm),
        "learning_rate": .number(result.learningRate), "sample": .string(item.sample),
        "caption_dropped": .bool(item.isCaptionDropped), "seconds": .number(seconds),
        "time": .number(time),
      ]
    }
  }

  /// Adds the losses of a finished expert to the last row of its last step, as
  /// `fixed_noise_losses`.
  mutating func add(_ losses: [FixedNoiseLoss], of phase: Phase) {
    addToLastRow(of: phase, "fixed_noise_losses", .array(losses.map(\.json)))
  }

  /// Adds how much an adapter changes each block to the last row of its last step, as `adapter_norms`.
  mutating func add(_ norms: [TrainableAdapter.BlockNorm], of phase: Phase) {
    let members = norms.map { JSONObject.Member(key: $0.block, value: .number($0.norm)) }
    addToLastRow(of: phase, "adapter_norms", .object(JSONObject(members)))
  }

  private mutating func addToLastRow(of phase: Phase, _ key: String, _ value: JSONValue) {
    guard let last = steps[phase.name]?.keys.max(),
      let index = steps[phase.name]?[last]?.indices.last
    else { return }
    steps[phase.name]?[last]?[index][key] = value
  }

  /// Takes the rows of a phase away, for an expert that is trained anew.
  mutating func forget(_ phase: Phase) {
    names.removeAll { $0 == phase.name }
    steps[phase.name] = nil
  }

  func hasRows(of phase: Phase) -> Bool { steps[phase.name] != nil }

  /// Whether a step has rows that were saved before its expert was finished.
  func lacksLosses(of phase: Phase, after step: Int) -> Bool {
    steps[phase.name]?[step] != nil && losses(of: phase.name, after: step).isEmpty
  }

  /// Names of the phases that have rows, in the order in which they were first trained.
  public var phases: [String] { names }

  /// The rows of a phase, in the order of its steps.
  public func rows(of phase: String) -> [JSONObject] {
    (steps[phase] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value)
  }

  /// Every row, phase by phase.
  public var rows: [JSONObject] { names.flatMap(rows(of:)) }

  /// The losses of a phase's expert after a step; without one as they were when it was last finished.
  public func losses(of phase: String, after step: Int? = nil) -> [FixedNoiseLoss] {
    let rows = step.map { steps[phase]?[$0] ?? [] } ?? rows(of: phase)
    let last = rows.last { $0["fixed_noise_losses"] != nil }
    return last?["fixed_noise_losses"]?.array?.compactMap(FixedNoiseLoss.init) ?? []
  }

  /// How much a phase's adapter changed each block after a step, in the order of the model, where that was
  /// logged; without a step as it was last.
  public func adapterNorms(
    of phase: String, after step: Int? = nil
  ) -> [(block: String, norm: Double)] {
    let rows = step.map { steps[phase]?[$0] ?? [] } ?? rows(of: phase)
    let last = rows.last { $0["adapter_norms"] != nil }
    return last?["adapter_norms"]?.object?.members.compactMap { member in
      member.value.double.map { (member.key, $0) }
    } ?? []
  }

  /// Seconds that all steps of a phase took.
  public func seconds(of phase: String) -> Double {
    (steps[phase] ?? [:]).values.reduce(0) { $0 + ($1.first?["seconds"]?.double ?? 0) }
  }

  /// The file's text.
  public var text: String { rows.map { JSONValue.object($0).text() + "\n" }.joined() }
}
