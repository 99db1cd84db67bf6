public import Drawing
internal import Files
internal import JSON
internal import Schedules
internal import SystemPackage

/// A way of drawing, resolved.
public struct Arm: Sendable {
  /// Why it is there.
  public enum Role: String, Sendable {
    /// The model in many steps, which all others are held against.
    case teacher
    /// The model alone at the passes of another arm, in evenly spread steps.
    case plainUniform = "plain-uniform"
    /// The model alone in the steps of another arm.
    case plainGrid = "plain-grid"
    /// What was asked for.
    case asked
  }

  /// One of the arm's trainings at work.
  public struct Run: Sendable {
    /// What it draws.
    public let plan: DrawingPlan
    /// What its folder and files are called; each run's own.
    public let fileName: String
    /// What decides its pictures.
    let identity: JSONValue
  }

  /// What people call it.
  public let name: String
  /// Why it is there.
  public let role: Role
  /// Its runs: one, or as many as its training was repeated with other seeds. All take the same steps.
  public let runs: [Run]
  /// The plain arms that it is compared with, by their places.
  public internal(set) var baselines: [Int] = []

  /// What its first run draws.
  public var plan: DrawingPlan { runs[0].plan }

  /// What decides its pictures: equal for arms that draw the same ones.
  var identity: [JSONValue] { runs.map(\.identity) }

  /// What decides the pictures of a plan.
  ///
  /// Phases do nothing where nothing acts in them. Adapters count by their bytes, whose digests are among the
  /// settings, the model by its path.
  static func identity(of plan: DrawingPlan) throws -> JSONValue {
    let isPlain = plan.adapters.isEmpty && plan.request.transformers.isEmpty
    var settings = plan.settings
    if isPlain {
      settings["schedule"] = .string(try plan.schedule.partitioned(.single).text)
    }
    // In other words the same sigmas.
    settings["asked_schedule"] = nil
    settings["folder"] = .string(plan.request.model.string)
    settings["transformer_files"] = .array(
      plan.request.transformers.map { .string($0.file.string) })
    return .object(settings)
  }
}

extension Arm {
  /// A name as a file's: lower-case letters, digits and hyphens.
  static func fileName(for name: String) -> String {
    let letters = name.lowercased().map { letter -> Character in
      letter.isASCII && (letter.isLetter || letter.isNumber || letter == "+" || letter == ".")
        ? letter : "-"
    }
    let words = String(letters).split(separator: "-", omittingEmptySubsequences: true)
    let joined = words.joined(separator: "-")
    return joined.first == "." || joined.isEmpty ? "arm-" + joined : joined
  }
}
