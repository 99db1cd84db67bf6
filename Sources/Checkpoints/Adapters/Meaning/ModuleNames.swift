internal import Checkpoints
internal import Tensors
internal import Text

/// Finds the modules that a path of an adapter means, whatever naming it uses.
///
/// Underscored paths are ambiguous to take apart (`to_add_out`, `to_out_0`), so every known path is
/// put together forward and looked up.
///
/// Source: kohya-ss/musubi-tuner, `convert_lora.py`; kohya-ss/sd-scripts, `flux_merge_lora.py`.
final class ModuleNames: Sendable {
  static let shared = ModuleNames()

  /// What a path means in one family.
  struct Meaning: Sendable {
    private let path: PathMeaning
    /// The block number; 0 for a path outside blocks.
    let block: Int

    fileprivate init(_ path: PathMeaning, block: Int) {
      self.path = path
      self.block = block
    }

    /// Naming that the path belongs to: `diffusers`, `bfl`, `xlabs`, …
    var names: String { path.names }
    /// Positions in the family's modules whose rows the path's weight holds, in this order.
    var modules: [Int] { path.modules }
    /// The family's modules at these positions.
    var templates: [ModuleTemplate] { path.templates }
    /// Whether the halves of the first axis stand in the other order.
    var swapsHalves: Bool { path.swapsHalves }
    /// The family.
    var family: ModelFamily { path.family }

    /// Whether it is a meaning in a family.
    func isOf(_ family: ModelFamily) -> Bool { path.family.name == family.name }

    /// The canonical paths of the modules.
    var paths: [String] { path.templates.map { $0.path.path(block: block) } }
  }

  /// What a path means whatever its block: one for all modules of all files that are named so.
  fileprivate final class PathMeaning: Sendable {
    let family: ModelFamily
    let names: String
    let modules: [Int]
    let templates: [ModuleTemplate]
    let swapsHalves: Bool

    init(family: ModelFamily, names: String, modules: [Int], swapsHalves: Bool) {
      self.family = family
      self.names = names
      self.modules = modules
      templates = modules.map { family.modules[$0] }
      self.swapsHalves = swapsHalves
    }
  }

  private let meanings: [PathMeaning]
  private let index: TensorIndex
  /// Positions in ``meanings`` of every indexed text.
  private let positions: [[Int]]
  private let known = NameMemo<[Meaning]>()

  private init() {
    var meanings: [PathMeaning] = []
    var texts: [(text: String, meaning: Int)] = []
    func add(_ path: PathTemplate, _ meaning: PathMeaning) {
      let dotted = path.text
      let flat = String(dotted.map { $0 == "." ? "_" : $0 })
      texts.append((dotted, meanings.count))
      if flat != dotted { texts.append((flat, meanings.count)) }
      meanings.append(meaning)
    }
    for family in ModelFamily.all {
      for (position, module) in family.modules.enumerated() {
        add(
          module.path,
          PathMeaning(
            family: family, names: family.layouts[0].name, modules: [position], swapsHalves: false))
      }
      let extra = AdapterDialects.shared.names.filter { $0.family == family.name }
      let schemes =
        family.layouts.filter { $0.namesOf == $0.name }.map { ($0.name, $0.rules) }
        + extra.map { ($0.name, $0.rules) }
      for (name, rules) in schemes {
        for rule in rules {
          let meaning = PathMeaning(
            family: family, names: name, modules: rule.modules, swapsHalves: rule.swapsHalves)
          add(rule.path, meaning)
          // ComfyUI's extraction has a norm's parameter in the name: `….query_norm.scale.diff`.
          for own in rule.names(ofParameter: "weight") where own != "weight" {
            add(PathTemplate(rule.path.text + "." + own), meaning)
          }
        }
      }
    }
    self.meanings = meanings
    // The texts are ASCII, so that equal strings are equal bytes.
    var known: [String: Int] = [:]
    var names: [String] = []
    var positions: [[Int]] = []
    for (text, meaning) in texts {
      if let position = known[text] {
        positions[position].append(meaning)
      } else {
        known[text] = names.count
        names.append(text)
        positions.append([meaning])
      }
    }
    index = TensorIndex(names)
    self.positions = positions
  }

  /// What a path means: one meaning for each family and naming that has it.
  func meanings(of path: String) -> [Meaning] {
    known.value(of: path) { $0.templates.flatMap { lookUp($0.text, block: $0.block) } }
  }

  private func lookUp(_ text: String, block: Int) -> [Meaning] {
    guard let position = index[text] else { return [] }
    return positions[position].map { Meaning(meanings[$0], block: block) }
  }
}

extension String {
  /// The path as it is, and with each of its numbers in turn replaced by `{n}`. Numbers of five or
  /// more digits or with leading zeros are no block numbers.
  var templates: [(text: String, block: Int)] {
    var found = [(text: self, block: 0)]
    let bytes = Array(utf8)
    var start = 0
    while start < bytes.count {
      guard bytes[start].isDigit else {
        start += 1
        continue
      }
      var end = start
      var number = 0
      while end < bytes.count, bytes[end].isDigit {
        if end - start < 4 { number = 10 * number + Int(bytes[end] - UInt8(ascii: "0")) }
        end += 1
      }
      let hasLeadingZero = bytes[start] == UInt8(ascii: "0") && end - start > 1
      if end - start <= 4, !hasLeadingZero {
        var text = [UInt8]()
        text.reserveCapacity(bytes.count + 2)
        text += bytes[..<start]
        text += "{n}".utf8
        text += bytes[end...]
        found.append((String(decoding: text, as: UTF8.self), number))
      }
      start = end
    }
    return found
  }
}

extension UInt8 {
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}
