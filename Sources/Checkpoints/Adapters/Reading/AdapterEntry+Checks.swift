internal import Checkpoints
internal import Tensors
internal import Text

extension AdapterFile.Entry {
  /// Rows and columns of its change, where they are known.
  var changedShape: (rows: Int, columns: Int)? {
    guard let down = down?.shape, let up = up?.shape, down.count >= 2, up.count >= 2 else {
      return shapeOfMethod
    }
    return (up[0], down[1])
  }

  /// Rows and columns of a change that is no plain LoRA, where its tensors tell.
  var shapeOfMethod: (rows: Int, columns: Int)? {
    let sizes = sizesOfMethod.map { list -> Int? in
      let known = list.compactMap(\.self)
      guard !known.isEmpty, known.count == list.count else { return nil }
      return known.reduce(1) { product, size in
        let (value, isTooLarge) = product.multipliedReportingOverflow(by: size)
        return isTooLarge ? 0 : value
      }
    }
    guard sizes.count == 2, let rows = sizes[0], let columns = sizes[1] else { return nil }
    return (rows, columns)
  }

  /// What is wrong with the shapes of the factors, or nil.
  func shapeFault(down: [Int], up: [Int]) -> String? {
    guard down.count == 2, up.count == 2 else { return "expected two axes each" }
    if down[0] == 0 || up[1] == 0 { return "rank 0" }
    if down[0] != up[1] { return "rank \(down[0]) and \(up[1]) contradict each other" }
    if down[1] == 0 || up[0] == 0 { return "an empty axis" }
    guard let meaning else { return nil }
    if partRows(down: down, up: up) == nil {
      return meaning.modules.count == 1
        ? "not the shape of its module" : "rows can't be those of \(paths.count) fused modules"
    }
    return nil
  }

  /// How many rows of `up` belong to each module; nil when they can't be divided among them.
  ///
  /// Without the base, sizes follow from the module itself: its columns give one dimension, and at
  /// most one part may have rows of a size that isn't known, which is then what remains.
  func partRows(down: [Int], up: [Int]) -> [Int]? { partRows(of: up[0], columns: down[1]) }

  /// How many of some rows belong to each module.
  ///
  /// - Parameters:
  ///   - rows: of all modules together.
  ///   - columnCount: columns of the modules' weights; nil where nothing tells.
  /// - Returns: a count for each; nil when the rows can't be divided among them.
  func partRows(of rows: Int, columns columnCount: Int?) -> [Int]? {
    guard let meaning else { return [rows] }
    let modules = meaning.templates
    let columnName = modules[0].inFeatures?.text
    let known = modules.map { $0.outFeatures.value { $0 == columnName ? columnCount : nil } }
    let rest = rows - known.reduce(0) { $0 + ($1 ?? 0) }
    let unknownCount = known.count { $0 == nil }
    switch unknownCount {
    case 0: return rest == 0 ? known.compactMap { $0 } : nil
    case 1: return rest > 0 ? known.map { $0 ?? rest } : nil
    default:
      // Modules of one size share evenly.
      let isEven = Set(modules.map(\.outFeatures.text)).count == 1 && rows % modules.count == 0
      return isEven ? modules.map { _ in rows / modules.count } : nil
    }
  }
}

extension ModuleNames.Meaning {
  /// Whether the block is one that the family's largest model has.
  var isInLargestModel: Bool {
    let path = templates[0].path
    guard path.isInBlock else { return true }
    let kind = family.blocks.first { path.head.utf8.elementsEqual(($0.path + ".").utf8) }
    return kind.map { block < $0.largestCount } ?? true
  }
}

/// What diffusers makes of a file whose keys mix its dialects: it looks at the first key alone. When
/// that is a PEFT key, keys of the older form are not renamed, and so not loaded.
///
/// Source: huggingface/diffusers, `loaders/peft.py`, `load_lora_adapter`.
enum FirstKeyRule {
  /// How many modules are applied; nil when the rule doesn't matter because the keys are not
  /// diffusers' or not mixed.
  static func appliedCount(_ entries: [AdapterFile.Entry]) -> Int? {
    let own = entries.filter { $0.name.utf8HasPrefix("transformer.") }
    let peft = own.count { $0.suffix == "peft" }
    guard own.count == entries.count, peft > 0, peft < own.count,
      firstEntry(entries)?.suffix == "peft"
    else { return nil }
    return peft
  }

  /// The module whose key is the first that begins with `transformer.`: safetensors' Python reader
  /// gives tensors in the order of their data, which for its own files is that of the names.
  static func firstEntry(_ entries: [AdapterFile.Entry]) -> AdapterFile.Entry? {
    let own = entries.filter { $0.name.utf8HasPrefix("transformer.") }
    return own.min { left, right in
      let (a, b) = (left.firstOffset ?? .max, right.firstOffset ?? .max)
      return a == b ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : a < b
    }
  }
}

extension AdapterFile.Entry {
  fileprivate var firstOffset: Int? { [down, up].compactMap { $0?.fileOffset }.min() }
}
