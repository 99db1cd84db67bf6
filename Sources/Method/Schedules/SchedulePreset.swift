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
  /// The guidance scale that it is meant for, where it says one.
  public let cfg: Double?

  /// Every preset, in the order of the file.
  public static let all: [SchedulePreset] = {
    let presets = EmbeddedFormats.document("schedules")["presets"]?.object?.members ?? []
    return presets.map { member in
      guard let preset = SchedulePreset(name: member.key, member.value) else {
        preconditionFailure("formats/schedules.json: preset \(member.key) is malformed")
      }
      return preset
    }
  }()

  /// The preset of a name, or nil.
  public static func named(_ name: String) -> SchedulePreset? {
    all.first { $0.name.sameBytes(as: name) }
  }

  private init?(name: String, _ json: JSONValue) {
    guard let description = json["description"]?.string,
      let families = json["families"]?.array, let grid = Grid(json)
    else { return nil }
    self.name = name
    self.description = description
    self.families = families.compactMap(\.string)
    self.grid = grid
    cfg = json["cfg"]?.double
  }
}

extension SchedulePreset.Grid {
  fileprivate init?(_ json: JSONValue) {
    if let steps = json["teacher_steps"]?.integer, let members = json["phases"]?.object?.members {
      var phases: [SchedulePreset.PresetPhase] = []
      for member in members {
        guard let phase = Phase(name: member.key), let list = member.value.array else {
          return nil
        }
        phases.append(.init(phase: phase, steps: list.compactMap(\.integer)))
      }
      self = .teacher(steps: steps, phases: phases)
      return
    }
    guard let steps = json["steps"]?.integer,
      let shift = json["shift"]?.double ?? json["mu"]?.double.map({ exp($0) })
    else { return nil }
    self = .own(
      steps: steps,
      SchedulerConfiguration(
        shift: .fixed(shift), shiftTerminal: json["shift_terminal"]?.double))
  }
}
