internal import Formats
internal import JSON
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// A named schedule of `formats/schedules.json`.
public struct SchedulePreset: Sendable, Equatable {
  /// Where a preset's sigmas come from.
  public enum Grid: Sendable, Equatable {
    /// These steps of the model's own grid.
    case teacher(steps: Int, phases: [PresetPhase])
    /// A grid of its own, whatever the model's scheduler says.
    case own(steps: Int, SchedulerConfiguration)
  }

  /// A phase of a preset and its steps of the teacher's grid.
  public struct PresetPhase: Sendable, Equatable {
    /// The phase.
    public var phase: Phase
    /// Zero-based steps.
    public var steps: [Int]
  }

  /// What people type.
  public let name: String
  /// One line for people.
  public let description: String
  /// The families that it was made for: `flux1`, `qwen-image`.
  public let families: [String]
  /// Where its sigmas come from.
  public let grid: Grid
  /// How its steps are taken.
  public let rule: StepRule
  /// What adapters that are made for it are called: letters and digits of a part of the name.
  let adapters: [String]
  /// The guidance scale that it is meant for, where it says one.
  public let cfg: Double?

  /// Every preset, in the order of the file.
  public static let all: [SchedulePreset] =
    EmbeddedFormats.document("schedules").members("presets").map { SchedulePreset($0) }

  /// The preset of a name, or nil.
  public static func named(_ name: String) -> SchedulePreset? {
    all.first { $0.name.sameBytes(as: name) }
  }

  private init(_ preset: JSONObject.Member) {
    name = preset.key
    description = preset.value.text("description")
    families = preset.value.texts("families")
    grid = Grid(preset.value)
    cfg = preset.value["cfg"]?.double
    let rule = preset.value["rule"]?.string ?? StepRule.euler.rawValue
    guard let rule = StepRule(rawValue: rule) else {
      preconditionFailure("formats/schedules.json: the rule of '\(preset.key)'")
    }
    self.rule = rule
    adapters = preset.value.texts("adapters")
  }
}

extension SchedulePreset.Grid {
  fileprivate init(_ json: JSONValue) {
    if json["teacher_steps"] != nil {
      let phases = json.members("phases").map { member in
        guard let phase = Phase(name: member.key) else {
          preconditionFailure("formats/schedules.json: phase '\(member.key)'")
        }
        return SchedulePreset.PresetPhase(
          phase: phase, steps: (member.value.array ?? []).compactMap(\.integer))
      }
      self = .teacher(steps: json.count("teacher_steps"), phases: phases)
    } else {
      let shift = json["shift"]?.double ?? exp(json.number("mu"))
      self = .own(
        steps: json.count("steps"),
        SchedulerConfiguration(
          shift: .fixed(shift), shiftTerminal: json["shift_terminal"]?.double))
    }
  }
}
