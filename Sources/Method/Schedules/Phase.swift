internal import Text

/// A part of a schedule that one expert serves.
public struct Phase: Sendable, Hashable, CustomStringConvertible {
  /// What files and options call it: `slow`, `fast`, `single`, `part-1` …
  public let name: String

  /// A phase of that name; see ``isName(_:)``.
  public init?(name: String) {
    guard Phase.isName(name) else { return nil }
    self.name = name
  }

  private init(_ name: String) { self.name = name }

  /// The high-noise phase of Glance, sampled densely.
  public static let slow = Phase("slow")
  /// The low-noise phase of Glance, sampled sparsely.
  public static let fast = Phase("fast")
  /// The only phase of a schedule that has no parts.
  public static let single = Phase("single")
  /// One of several equal parts, counted from 1.
  public static func part(_ number: Int) -> Phase { Phase("part-\(number)") }

  /// The names that a schedule of `count` phases uses unless it says otherwise.
  static func defaults(count: Int) -> [Phase] {
    switch count {
    case 1: [.single]
    case 2: [.slow, .fast]
    default: (1...max(count, 1)).map(Phase.part)
    }
  }

  /// Whether a text can name a phase: 1 to 32 ASCII letters, digits and hyphens, so that it can be
  /// part of a file's name.
  public static func isName(_ text: String) -> Bool {
    1...32 ~= text.utf8.count
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// The name.
  public var description: String { name }
}

/// How the steps of a schedule are shared among experts.
public enum Partition: Sendable, Equatable, CustomStringConvertible {
  /// Two experts, one on each side of a boundary.
  case slowFast
  /// One expert for every step.
  case single
  /// That many experts, each with the same number of consecutive steps (the first ones have one
  /// more where they don't divide).
  case uniform(Int)

  /// Reads `slow-fast`, `single` or `uniform:K`.
  public init(parsing text: String, option: String = "--partition") throws(ScheduleError) {
    switch text {
    case "slow-fast": self = .slowFast
    case "single": self = .single
    default:
      guard text.utf8HasPrefix("uniform:"), let count = Int(text.dropFirst(8)),
        1...1000 ~= count
      else {
        throw .invalid(
          source: option, expected: "slow-fast, single or uniform:K", found: "'\(text)'")
      }
      self = .uniform(count)
    }
  }

  /// As it is written on a command line.
  public var description: String {
    switch self {
    case .slowFast: "slow-fast"
    case .single: "single"
    case .uniform(let count): "uniform:\(count)"
    }
  }
}
