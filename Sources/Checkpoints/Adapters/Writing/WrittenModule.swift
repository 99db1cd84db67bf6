internal import Checkpoints
internal import Elements
internal import Tensors

/// One module of a file that is written: one module of the adapter, or several that the dialect
/// fuses.
struct WrittenModule {
  /// Its name in the file, without ending.
  let stem: String
  /// The modules whose rows it holds, in this order; nil for one that isn't adapted.
  let parts: [AdapterModule?]
  /// How many rows each part has.
  let rows: [Int]
  /// Whether the halves of the first axis stand in the other order.
  let swapsHalves: Bool

  var present: [AdapterModule] { parts.compactMap(\.self) }

  /// Whether all parts have the same A, so that it is written once.
  private var sharesDown: Bool {
    guard let first = present.first else { return true }
    return present.dropFirst().allSatisfy {
      $0.down.shape == first.down.shape && $0.down.dtype == first.down.dtype
        && $0.down.copiedBytes == first.down.copiedBytes
    }
  }

  /// Rank in the file.
  var rank: Int {
    sharesDown ? present[0].rank : present.reduce(0) { $0 + $1.rank }
  }

  var inFeatures: Int { present[0].inFeatures }
  var outFeatures: Int { rows.reduce(0, +) }

  /// The scale that all parts share; nil when they differ, so that it has to be baked.
  var commonScale: Double? {
    let scales = Set(present.map(\.scale))
    return scales.count == 1 ? scales.first : nil
  }

  /// The dtype of all As when they have one, else float32.
  var downDType: DType { Self.common(present.map(\.down.dtype)) }

  /// The dtype of all Bs when they have one, else float32.
  var upDType: DType { Self.common(present.map(\.up.dtype)) }

  private static func common(_ types: [DType]) -> DType {
    Set(types).count == 1 ? types[0] : .f32
  }

  /// A `[rank, inFeatures]`.
  func down(as dtype: DType) -> [UInt8] {
    if sharesDown { return present[0].down.narrowed(to: dtype, times: 1) }
    return present.flatMap { $0.down.narrowed(to: dtype, times: 1) }
  }

  /// B `[outFeatures, rank]`, each part's columns where its rows of A are.
  ///
  /// - Parameters:
  ///   - dtype: the type to round to.
  ///   - bakes: whether each part is multiplied by its scale.
  /// - Returns: the bytes.
  func up(as dtype: DType, bakes: Bool) -> [UInt8] {
    if parts.count == 1, let part = parts[0] {
      let up = swapsHalves ? part.up.swappingHalves() : part.up
      return up.narrowed(to: dtype, times: bakes ? Float(part.scale) : 1)
    }
    let (width, isShared) = (rank, sharesDown)
    var fused = [Float](repeating: 0, count: outFeatures * width)
    var (firstRow, firstColumn) = (0, 0)
    for (part, count) in zip(parts, rows) {
      if let part {
        let (values, scale) = (part.up.floats(), bakes ? Float(part.scale) : 1)
        for row in 0..<count {
          let start = (firstRow + row) * width + firstColumn
          for column in 0..<part.rank {
            fused[start + column] = values[row * part.rank + column] * scale
          }
        }
        if !isShared { firstColumn += part.rank }
      }
      firstRow += count
    }
    return TensorView(name: "", shape: [outFeatures, width], fused).narrowed(to: dtype, times: 1)
  }
}

extension Adapter {
  /// The modules of a file in a dialect: this adapter's, fused where the dialect fuses.
  func written(_ recipe: DialectRecipe, base: Architecture?) throws(AdapterWritingFault)
    -> [WrittenModule]
  {
    guard !modules.isEmpty else { return [] }
    let family = base?.family ?? family
    let rules = family?.layouts.first { $0.name == recipe.names }?.rules ?? []
    guard !rules.isEmpty, let family else {
      return modules.map {
        WrittenModule(
          stem: recipe.stem($0.path), parts: [$0], rows: [$0.outFeatures], swapsHalves: false)
      }
    }
    let index = TensorIndex(modules.lazy.map(\.path))
    let sizes = knownSizes(family: family, base: base)
    var written: [WrittenModule] = []
    for (rule, block) in places(of: rules) {
      let parts = rule.parts.map { part in index[part.path(block: block)].map { modules[$0] } }
      var rows: [Int] = []
      for (part, position) in zip(parts, rule.modules) {
        let size = part?.outFeatures ?? family.modules[position].outFeatures.value { sizes[$0] }
        guard let size else {
          throw AdapterWritingFault(
            detail: "'\(rule.path.path(block: block))' fuses modules that the adapter lacks, and "
              + "their size isn't known; name the base")
        }
        rows.append(size)
      }
      written.append(
        WrittenModule(
          stem: recipe.stem(rule.path.path(block: block)), parts: parts, rows: rows,
          swapsHalves: rule.swapsHalves))
    }
    let covered = written.reduce(0) { $0 + $1.parts.count { $0 != nil } }
    guard covered == modules.count else {
      throw AdapterWritingFault(
        detail: "\(modules.count - covered) modules have no name in layout '\(recipe.names)'")
    }
    return written
  }

  /// What a file has of text encoders: each as an adapter by itself, with its modules.
  func writtenTextEncoders(
    _ recipe: DialectRecipe, dialect: String
  ) throws(AdapterWritingFault) -> [(adapter: Adapter, modules: [WrittenModule])] {
    let unwritable = textEncoders.keys.sorted().filter { recipe.textEncoders[$0] == nil }
    guard unwritable.isEmpty else {
      throw AdapterWritingFault(
        detail: "dialect '\(dialect)' has no form for the modules of "
          + unwritable.joined(separator: " and ") + "; --partial leaves them out")
    }
    for (component, part) in textEncoders where recipe.textEncoders[component] == "\(component)." {
      // PEFT has tables' factors under names of their own, the other way round.
      let table = part.modules.first {
        TextEncoderNames.shared.meaning(of: $0.path, component: component)?.kind == .embedding
      }
      guard let table else { continue }
      throw AdapterWritingFault(
        detail:
          "dialect '\(dialect)' has no form for a LoRA of the table '\(component).\(table.path)'")
    }
    return textEncoders.sorted { $0.key < $1.key }.map { component, part in
      let prefix = recipe.textEncoders[component] ?? ""
      let modules = part.modules.map {
        WrittenModule(
          stem: recipe.stem($0.path, prefix: prefix), parts: [$0], rows: [$0.outFeatures],
          swapsHalves: false)
      }
      return (Adapter(family: family, modules: part.modules, changes: part.changes), modules)
    }
  }

  /// The rules that some module of this adapter falls under, with its block, each once.
  private func places(of rules: [Layout.Rule]) -> [(rule: Layout.Rule, block: Int)] {
    var places: [(rule: Layout.Rule, block: Int)] = []
    for rule in rules {
      var blocks = Set<Int>()
      for module in modules {
        for part in rule.parts {
          if let block = part.block(of: module.path) { blocks.insert(block) }
        }
      }
      places += blocks.sorted().map { (rule, $0) }
    }
    return places
  }

  /// Sizes that the base or the adapter's own shapes tell, else those of all published models.
  private func knownSizes(family: ModelFamily, base: Architecture?) -> [String: Int] {
    var sizes = base?.dimensions.sizes ?? [:]
    for module in modules {
      for template in family.modules where template.path.block(of: module.path) != nil {
        sizes[template.outFeatures.text] = sizes[template.outFeatures.text] ?? module.outFeatures
        if let columns = template.inFeatures?.text {
          sizes[columns] = sizes[columns] ?? module.inFeatures
        }
      }
    }
    for dimension in family.dimensions where sizes[dimension.name] == nil {
      sizes[dimension.name] = dimension.usual?.value { sizes[$0] }
    }
    return sizes
  }
}
