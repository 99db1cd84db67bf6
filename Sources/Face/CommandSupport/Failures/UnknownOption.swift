internal import ArgumentParser
internal import JSON

/// An option that a command doesn't have, and what was probably meant.
///
/// The parser complains of what is missing before it looks at what is unknown, so that `--modle x`
/// would be answered with "missing '--model'"; and it suggests the nearest name, however far.
public struct UnknownOption: CustomStringConvertible, Sendable {
  /// As it was typed: `--modle`.
  public let name: String
  /// What to type instead, where that is clear.
  public let advice: String?

  /// One line.
  public var description: String { "Unknown option '\(name)'" + (advice.map { ": \($0)" } ?? "") }

  /// The first option among arguments that the command doesn't have.
  ///
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - command: whose options are known.
  public init?(in arguments: [String], of command: any Tool.Type) {
    let known = Self.names(of: command)
    for argument in arguments.prefix(while: { $0 != "--" }) {
      let name = String(argument.prefix { $0 != "=" })
      guard name.hasPrefix("--") || (name.hasPrefix("-") && name.count == 2), !known.contains(name),
        !name.dropFirst().allSatisfy(\.isNumber)
      else { continue }
      self.name = name
      // kohya's and diffusers' scripts have underscores where hyphens are here.
      let spelled = name.replacing("_", with: "-")
      advice = command.wordsOfOthers[spelled] ?? Self.nearest(to: spelled, in: known)
      return
    }
    return nil
  }

  /// The command's options as they are typed; those that every command of the parser has included.
  private static func names(of command: any Tool.Type) -> Set<String> {
    var names: Set = [
      "--help", "-h", "--version", "--generate-completion-script", "--experimental-dump-help",
    ]
    let arguments = (try? JSONValue(parsing: command._dumpHelp()))?["command"]?["arguments"]?.array
    for argument in arguments ?? [] {
      for name in argument["names"]?.array ?? [] {
        guard let text = name["name"]?.string else { continue }
        names.insert((name["kind"]?.string == "short" ? "-" : "--") + text)
      }
    }
    return names
  }

  /// The name that a mistyped one stands for: at most one mistake in three letters, and no other
  /// name as near.
  static func nearest(to name: String, in known: Set<String>) -> String? {
    let found = known.map { (name: $0, distance: distance(name, $0)) }
      .filter { $0.distance <= max(1, (name.count - 2) / 3) }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    guard let first = found.first, found.count < 2 || found[1].distance > first.distance else {
      return nil
    }
    return "did you mean '\(first.name)'?"
  }

  /// Letters to insert, remove, replace, or exchange with their neighbour (optimal string alignment).
  private static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first.utf8)
    let b = Array(second.utf8)
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          best = min(best, rows[i - 1][j - 1] + 1)
        }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
