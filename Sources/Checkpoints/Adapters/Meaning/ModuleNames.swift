internal import Checkpoints
internal import Tensors

/// Finds the modules that a path of an adapter means, whatever naming it uses.
///
/// Underscored paths are ambiguous to take apart (`to_add_out`, `to_out_0`), so every known path is
/// put together forward and looked up.
///
/// Source: kohya-ss/musubi-tuner, `convert_lora.py`; kohya-ss/sd-scripts, `flux_merge_lora.py`.
struct ModuleNames: Sendable {
  static let shared = ModuleNames()

  /// What a path means in one family.
  struct Meaning: Sendable {
    /// The family's place among all: families are large values, and every module of a file has a meaning.
    private let familyNumber: Int
    /// Naming that the path belongs to: `diffusers`, `bfl`, `xlabs`, …
    let names: String
    /// Positions in the family's modules whose rows the path's weight holds, in this order.
    let modules: [Int]
    /// Whether the halves of the first axis stand in the other order.
    let swapsHalves: Bool
    /// The block number; 0 for a path outside blocks.
    var block = 0

    init(familyNumber: Int, names: String, modules: [Int], swapsHalves: Bool) {
      self.familyNumber = familyNumber
      self.names = names
      self.modules = modules
      self.swapsHalves = swapsHalves
    }

    /// The family.
    var family: ModelFamily { ModelFamily.all[familyNumber] }

    /// Whether it is a meaning in a family.
    func isOf(_ family: ModelFamily) -> Bool { ModelFamily.all[familyNumber].name == family.name }

    /// The canonical paths of the modules.
    var paths: [String] { modules.map { family.modules[$0].path.path(block: block) } }
  }

  private let meanings: [Meaning]
  private let index: TensorIndex
  /// Positions in ``meanings`` of every indexed text.
  private let positions: [[Int]]

  private init() {
    var meanings: [Meaning] = []
    var texts: [(text: String, meaning: Int)] = []
    func add(_ path: PathTemplate, _ meaning: Meaning) {
      let dotted = path.text
      let flat = String(dotted.map { $0 == "." ? "_" : $0 })
      texts.append((dotted, meanings.count))
      if flat != dotted { texts.append((flat, meanings.count)) }
      meanings.append(meaning)
    }
    for (number, family) in ModelFamily.all.enumerated() {
      for (position, module) in family.modules.enumerated() {
        add(
          module.path,
          Meaning(
            familyNumber: number, names: family.layouts[0].name, modules: [position],
            swapsHalves: false))
      }
      let extra = AdapterDialects.shared.names.filter { $0.family == family.name }
      let schemes =
        family.layouts.filter { $0.namesOf == $0.name }.map { ($0.name, $0.rules) }
        + extra.map { ($0.name, $0.rules) }
      for (name, rules) in schemes {
        for rule in rules {
          let meaning = Meaning(
            familyNumber: number, names: name, modules: rule.modules, swapsHalves: rule.swapsHalves)
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
    path.templates.flatMap { lookUp($0.text, block: $0.block) }
  }

  private func lookUp(_ text: String, block: Int) -> [Meaning] {
    guard let position = index[text] else { return [] }
    return positions[position].map {
      var meaning = meanings[$0]
      meaning.block = block
      return meaning
    }
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
      guard bytes[start].isDigit, start == 0 || !bytes[start - 1].isDigit else {
        start += 1
        continue
      }
      let end = bytes[start...].firstIndex { !$0.isDigit } ?? bytes.count
      if let number = Int(String(decoding: bytes[start..<end], as: UTF8.self)),
        number < 10_000, String(number).utf8.count == end - start
      {
        let text =
          String(decoding: bytes[..<start], as: UTF8.self) + "{n}"
          + String(decoding: bytes[end...], as: UTF8.self)
        found.append((text, number))
      }
      start = end
    }
    return found
  }
}

extension UInt8 {
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}
