public import Checkpoints
public import JSON
internal import Text

/// Strengths for parts of a model, which multiply an adapter's own: `double_blocks.0-7=0.5`.
///
/// A rule's name is a ``ModulePattern``. Of several rules that match a module the last one counts; a module
/// that none matches keeps the adapter's strength.
public struct BlockStrengths: Sendable {
  /// The rules, in the order in which they are given.
  public let rules: [Rule]

  /// A part of a model and its strength.
  public struct Rule: Sendable {
    /// As it is written: `double_blocks.0-7`.
    public let name: String
    /// Multiplies the adapter's strength.
    public let strength: Double
    fileprivate let pattern: ModulePattern
  }

  /// No rule: every module has the adapter's strength.
  public init() { rules = [] }

  /// Rules as a person writes them.
  ///
  /// - Throws: when a name can't be one, is there twice, or a strength isn't finite.
  public init(_ rules: [(name: String, strength: Double)]) throws(BlockStrengthError) {
    var found: [Rule] = []
    for (name, strength) in rules {
      guard let pattern = ModulePattern(name) else { throw .badName(name) }
      guard strength.isFinite else { throw .badStrength(name: name, found: strength) }
      guard !found.contains(where: { $0.name.sameBytes(as: name) }) else { throw .twice(name) }
      found.append(Rule(name: name, strength: strength, pattern: pattern))
    }
    self.rules = found
  }

  /// Whether there is no rule.
  public var isEmpty: Bool { rules.isEmpty }

  /// Strengths are mostly from 0 to 2; sliders go to 8 or so.
  private static let greatestUsualStrength = 10.0

  /// What a person may not have meant, in words: a strength far beyond what adapters are made for, an
  /// adapter's own or the product of that with a rule's.
  ///
  /// - Parameter strength: the adapter's own.
  /// - Returns: a sentence; nil where there is none.
  public func caution(on strength: Double) -> String? {
    let usual = -Self.greatestUsualStrength...Self.greatestUsualStrength
    let beyond = "is far beyond what adapters are made for (mostly 0 to 2)"
    if !usual.contains(strength) { return "strength \(strength.plain) \(beyond)" }
    return rules.first { !usual.contains($0.strength * strength) }.map { rule in
      "strength \((rule.strength * strength).plain) of '\(rule.name)' \(beyond)"
    }
  }

  /// For programs: strengths by their names, in order.
  public var json: JSONValue {
    var object = JSONObject()
    for rule in rules { object[rule.name] = .number(rule.strength) }
    return .object(object)
  }
}

extension BlockStrengths: CustomStringConvertible {
  /// As it is written: `double_blocks.0-7=0.5,single_blocks=1`.
  public var description: String {
    rules.map { "\($0.name)=\($0.strength.plain)" }.joined(separator: ",")
  }
}

extension BlockStrengths {
  /// What the adapter's strength is multiplied by at a module.
  ///
  /// - Parameters:
  ///   - path: the module's canonical path; of a text encoder's module with the component before it.
  ///   - family: whose module it is; nil when that isn't known.
  /// - Returns: the strength of the last rule that matches, 1 where none does.
  public func strength(of path: String, in family: ModelFamily?) -> Double {
    guard !rules.isEmpty else { return 1 }
    let names = family?.names(ofModule: path) ?? [path]
    return rules.last { names.contains(where: $0.pattern.matches) }?.strength ?? 1
  }

  /// Refuses rules that match no module of any of these adapters.
  ///
  /// - Parameters:
  ///   - adapters: all that the rules are for.
  ///   - source: what the rules are given with: a file, an option.
  /// - Throws: ``BlockStrengthError``, naming the blocks that there are.
  public func check(
    in adapters: [Adapter], of source: String
  ) throws(BlockStrengthError) {
    guard let first = rules.first else { return }
    guard !adapters.isEmpty else { throw .servesNone(rule: first.name, source: source) }
    let modules = adapters.flatMap { adapter in
      adapter.changedModules.map { (path: $0, names: adapter.family?.names(ofModule: $0) ?? [$0]) }
    }
    for rule in rules
    where !modules.contains(where: { $0.names.contains(where: rule.pattern.matches) }) {
      throw .matchesNothing(
        rule: rule.name, source: source,
        parts: Self.parts(of: modules.map(\.path), family: adapters.lazy.compactMap(\.family).first)
      )
    }
  }

  /// The blocks and other parts that modules lie in, with what else blocks are called.
  private static func parts(of paths: [String], family: ModelFamily?) -> [String] {
    var parts: [(name: String, numbers: Set<Int>)] = []
    for block in paths.blockNames {
      let words = block.split(separator: ".", maxSplits: 1)
      let name = String(words[0])
      let position = parts.firstIndex { $0.name == name } ?? parts.count
      if position == parts.count { parts.append((name, [])) }
      if words.count == 2, let number = Int(words[1]) { parts[position].numbers.insert(number) }
    }
    return parts.map { name, numbers in
      let others = family?.otherNames(ofBlocks: name) ?? []
      return name + (numbers.isEmpty ? "" : "." + ranges(of: numbers))
        + (others.isEmpty ? "" : " (or \(others.joined(separator: ", ")))")
    }
  }

  /// Numbers with those that follow each other as ranges: `0-3, 7`.
  private static func ranges(of numbers: Set<Int>) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ", ")
  }
}

extension Adapter {
  /// Names of the modules of all components that it changes, each once.
  fileprivate var changedModules: [String] {
    parts.flatMap { component, part in
      part.paths.map { Adapter.name(of: $0, in: component) }
    }
  }

  /// The same adapter with strengths by block in its modules' scales, and without what has strength 0.
  ///
  /// - Parameter blocks: the strengths. Those of ``changes`` that are left, and of text encoders, are not
  ///   spent: who makes the changes applies them.
  /// - Returns: the adapter; nil when nothing is left.
  public func scaled(by blocks: BlockStrengths) -> Adapter? {
    guard !blocks.isEmpty else { return self }
    var adapter = self
    adapter.modules = modules.compactMap { module in
      var module = module
      let strength = blocks.strength(of: module.path, in: family)
      module.scale *= strength
      return strength == 0 ? nil : module
    }
    adapter.changes = changes.filter { blocks.strength(of: $0.path, in: family) != 0 }
    let isEmptied =
      adapter.modules.isEmpty && adapter.changes.isEmpty && textEncoders.isEmpty
    return isEmptied && !(modules.isEmpty && changes.isEmpty) ? nil : adapter
  }
}
