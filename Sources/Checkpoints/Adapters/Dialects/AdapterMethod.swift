internal import Checkpoints
internal import Formats
internal import JSON
internal import Text

/// A way to adapt a module that is not a plain LoRA, and how its keys are known: an entry of
/// `methods` in `formats/adapter-dialects.json`.
final class AdapterMethod: Sendable {
  /// Name for people: `LoKr`.
  let title: String
  /// How its tensors are read; nil for a method that isn't.
  let reading: Reading?
  /// Endings of its keys; what stands before a `|` belongs to the module's name.
  let endings: [String]
  /// What its keys contain.
  let parts: [String]
  /// What those of its keys contain that all modules share, and so are about none.
  let shared: [String]
  /// What stands before the modules; any of the known prefixes where there is no list.
  let prefixes: [String]?
  /// Whether a key is only looked at when it is no part of a plain LoRA.
  let comesLast: Bool
  /// Whether checkpoints have such keys too, so that they alone don't make a file an adapter.
  let isInCheckpoints: Bool
  /// Endings of the tensors whose rows are the rank.
  let ranks: [String]
  /// Endings of the tensors whose first axes multiply to the rows of the change, one of each list;
  /// none where they don't tell.
  let rows: [[String]]
  /// Endings of the tensors whose second axes multiply to its columns.
  let columns: [[String]]
  /// Another method whose keys are part of this one where both occur.
  let included: String?
  /// What a file can do without when plain LoRA is all that is taken.
  let partial: Partial?
  /// Who can apply it to a base.
  let mergedBy: String?
  /// What it is for, or what to do instead.
  let advice: String?
  /// Whether its tensors mean nothing when all of their elements are zero.
  let isNothingWhenZero: Bool

  /// What the tensors of a method mean.
  enum Reading: String, Sendable {
    /// A Kronecker product.
    case kronecker
    /// Two low-rank products, multiplied element by element.
    case hadamard
    /// Lengths of rows or columns after another change of the same module.
    case magnitude
    /// What is added to weights, norms and biases.
    case difference
    /// What is added to a bias, times the scale of the module's LoRA.
    case scaledBias = "scaled-bias"
    /// What a weight, a bias or a norm's scales become.
    case replacement
    /// What norms' scales become beside the LoRAs of a control model, whose first layer reads more than texts give.
    case norms
    /// The shape that a weight has when a LoRA is added to it, with zeros for what it lacks.
    case shape
  }

  /// What is left out with a method.
  enum Partial: String, Sendable {
    /// Its keys; a LoRA of the same module stays what it is.
    case keys
    /// The modules that it changes: their LoRA is no plain one.
    case modules
  }

  init(_ entry: JSONValue) {
    title = entry.text("method")
    reading = entry["read"].map { value in
      guard let reading = value.string.flatMap(Reading.init) else {
        preconditionFailure("adapter-dialects.json: read")
      }
      return reading
    }
    endings = entry.texts("endings")
    parts = entry.texts("contains")
    shared = entry.texts("shared")
    prefixes = entry["prefixes"] == nil ? nil : entry.texts("prefixes")
    comesLast = entry["otherwise"]?.bool ?? false
    isInCheckpoints = entry["in_checkpoints"]?.bool ?? false
    ranks = entry.texts("ranks")
    rows = entry.list("rows").map { ($0.array ?? []).compactMap(\.string) }
    columns = entry.list("columns").map { ($0.array ?? []).compactMap(\.string) }
    included = entry["includes"]?.string
    partial = entry["partial"]?.string.flatMap(Partial.init)
    mergedBy = entry["merged_by"]?.string
    advice = entry["advice"]?.string
    isNothingWhenZero = entry["nothing_when_zero"]?.bool ?? false
  }

  /// Whether a LoRA of the same module is part of the method, and none by itself.
  var replacesLoRA: Bool {
    switch reading {
    case .magnitude: true
    case .kronecker, .hadamard, .difference, .scaledBias, .replacement, .norms, .shape: false
    case nil: partial != .keys
    }
  }

  /// What to do with a file of this method, in words.
  var whatToDo: String? {
    let merging = mergedBy.map {
      "merge it with \($0), then 'glance-merge BASE --extract MERGED --rank 64 --output FILE' makes "
        + "a plain LoRA of the difference"
    }
    return advice ?? merging
  }
}

/// The methods that aren't plain LoRA, by what their keys have after a dot.
struct AdapterMethods: Sendable {
  /// In the order of the format file; where several fit, the first is meant.
  let all: [AdapterMethod]
  /// Marks of keys that a plain LoRA can't have.
  private var first = MarkTable()
  /// Marks that count only in keys that are no part of a plain LoRA.
  private var last = MarkTable()

  /// What a key has after a dot, or all that it has there.
  private struct Mark: Sendable {
    let bytes: [UInt8]
    /// How many of them belong to the module's name.
    let ownCount: Int
    let isEnding: Bool
    let method: Int
  }

  /// Marks by how they begin: nearly every name that is looked at has none.
  private struct MarkTable: Sendable {
    /// Under the byte after the dot, that byte and the two that follow, in one number.
    private(set) var beginnings = [[UInt32]](repeating: [], count: 256)
    /// The marks with these beginnings.
    private(set) var marks = [[Mark]](repeating: [], count: 256)

    mutating func append(_ mark: Mark) {
      beginnings[Int(mark.bytes[1])].append(Self.beginning(mark.bytes.span, at: 0))
      marks[Int(mark.bytes[1])].append(mark)
    }

    /// The three bytes after a dot.
    static func beginning(_ bytes: Span<UInt8>, at dot: Int) -> UInt32 {
      UInt32(bytes[dot + 1]) | UInt32(bytes[dot + 2]) << 8 | UInt32(bytes[dot + 3]) << 16
    }
  }

  init(_ all: [AdapterMethod]) {
    self.all = all
    for (number, method) in all.enumerated() {
      for (texts, isEnding) in [(method.endings, true), (method.parts, false)] {
        for text in texts {
          let parts = text.split(separator: "|")
          let bytes = parts.flatMap { Array($0.utf8) }
          precondition(bytes.count > 3 && bytes[0] == UInt8(ascii: "."), "'\(text)'")
          let mark = Mark(
            bytes: bytes, ownCount: parts.count == 2 ? parts[0].utf8.count : 0,
            isEnding: isEnding, method: number)
          if method.comesLast { last.append(mark) } else { first.append(mark) }
        }
      }
    }
  }

  /// The method that a key is of, and the module that it is about.
  ///
  /// - Parameters:
  ///   - key: of a tensor.
  ///   - isLast: whether it is known to be no part of a plain LoRA.
  /// - Returns: nil when it is of none.
  func find(_ key: String, isLast: Bool) -> (method: AdapterMethod, stem: String)? {
    let bytes = key.utf8.span
    let table = isLast ? last : first
    var found: (method: Int, start: Int)?
    var start = -1
    while start + 4 < bytes.count {
      start += 1
      guard bytes[start] == UInt8(ascii: ".") else { continue }
      let beginning = MarkTable.beginning(bytes, at: start)
      let place = Int(bytes[start + 1])
      for number in table.beginnings[place].indices
      where table.beginnings[place][number] == beginning {
        let mark = table.marks[place][number]
        if let found, mark.method >= found.method { continue }
        let end = start + mark.bytes.count
        guard mark.isEnding ? end == bytes.count : end <= bytes.count,
          bytes.hold(mark.bytes.span, at: start),
          all[mark.method].prefixes?.contains(where: key.utf8HasPrefix) != false
        else { continue }
        found = (mark.method, start + mark.ownCount)
      }
    }
    return found.map { (all[$0.method], String(key.utf8.prefix($0.start))) }
  }
}
