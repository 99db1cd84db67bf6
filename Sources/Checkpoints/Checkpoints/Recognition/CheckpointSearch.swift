internal import Elements
internal import Tensors
internal import Text

/// The tensors of a file as the model has them, and the questions that detection asks of them.
struct CheckpointSearch {
  typealias FamilyMatch = (family: ModelFamily, layout: Layout, prefix: String)
  typealias ComponentMatch = (model: ComponentModel, layout: Layout, prefix: String)

  let tensors: [TensorDescription]
  /// Where each name stands; weights that an adapter was attached to under the names they had before.
  let index: TensorIndex
  /// The modules that an adapter was attached to when the model was saved.
  let attachment: AttachedAdapter?
  /// How they are stored.
  let weights: WeightStorage
  /// The file's own tensors.
  let stored: [TensorDescription]
  /// Known prefixes that some tensor has, the empty one first.
  private let prefixes: [String]

  init(tensors: [TensorDescription]) {
    self.init(tensors: tensors, weights: WeightStorage(tensors))
  }

  init(tensors stored: [TensorDescription], weights: WeightStorage) {
    let tensors = weights.parameters
    self.stored = stored
    self.weights = weights
    self.tensors = tensors
    attachment = AttachedAdapter(names: tensors.lazy.map(\.name))
    index =
      attachment == nil
      ? TensorIndex(tensors.map(\.name))
      : TensorIndex(tensors.map { AttachedAdapter.baseName(of: $0.name) ?? $0.name })
    prefixes =
      [""]
      + Recognition.shared.prefixes.filter { prefix in
        tensors.contains { $0.name.utf8HasPrefix(prefix) }
      }
  }

  func shape(_ name: String) -> [Int]? { index[name].map { tensors[$0].shape } }

  /// Another architecture whose signature is there.
  func lookAlike() -> (model: Recognition.LookAlike, prefix: String)? {
    for model in Recognition.shared.lookAlikes {
      for prefix in prefixes where isThere(model, prefix: prefix) { return (model, prefix) }
    }
    return nil
  }

  private func isThere(_ model: Recognition.LookAlike, prefix: String) -> Bool {
    model.signatures.contains { signature in
      guard index.contains(signature, prefix: prefix) else { return false }
      guard !model.columns.isEmpty, let first = signature.first else { return true }
      return shape(prefix + first)?.dropFirst().first.map(model.columns.contains) ?? false
    }
  }

  /// How many layers each list of them has that occurs.
  func layerCounts(of model: Recognition.LookAlike, prefix: String) -> [(name: String, count: Int)]
  {
    model.layers.compactMap { list in
      let start = prefix + list + "."
      let numbers = Set(
        tensors.lazy.filter { $0.name.utf8HasPrefix(start) }.compactMap { tensor in
          Int(Substring(tensor.name.utf8.dropFirst(start.utf8.count).prefix { $0 != 0x2E }))
        })
      return numbers.isEmpty ? nil : (list, numbers.count)
    }
  }

  /// The family, naming scheme and prefix whose signature is there.
  func family() -> FamilyMatch? {
    for prefix in prefixes {
      for family in ModelFamily.all {
        for layout in family.layouts where layout.namesOf == layout.name {
          if layout.signatures.contains(where: { index.contains($0, prefix: prefix) }) {
            return (family, layout, prefix)
          }
        }
      }
    }
    return nil
  }

  /// The component whose signature is there.
  ///
  /// - Parameter header: what the header of a GGUF file says that it is; nil for other files.
  /// - Returns: the component, its layout and what stands before its names; nil for none.
  func component(_ header: GGUFModel? = nil) -> ComponentMatch? {
    for prefix in [""] + Recognition.shared.bundled.map(\.prefix) {
      for model in ComponentModel.all {
        for layout in model.layouts
        where layout.namesOf == layout.name
          && (!layout.needsGGUFHeader || header?.component == model.name)
        {
          if layout.signatures.contains(where: { index.contains($0, prefix: prefix) }) {
            return (model, layout, prefix)
          }
        }
      }
    }
    return nil
  }

  /// Whether the tensors are of anything that has a name here.
  var isKnown: Bool {
    lookAlike() != nil || family() != nil || component() != nil
  }

  /// What else the file holds: component and number of tensors, in the order of the file.
  func bundled(besides own: String) -> [(component: String, tensorCount: Int)] {
    var counts: [(component: String, tensorCount: Int)] = []
    for tensor in stored where !tensor.name.utf8HasPrefix(own) {
      let component =
        Recognition.shared.bundled.first { tensor.name.utf8HasPrefix($0.prefix) }?
        .component ?? "other"
      if let position = counts.firstIndex(where: { $0.component == component }) {
        counts[position].tensorCount += 1
      } else {
        counts.append((component, 1))
      }
    }
    return counts
  }
}

extension TensorDescription {
  /// Number of elements.
  var elementCount: Int { shape.elementCount }
}

extension DType {
  /// Whether elements are floating-point numbers of any width.
  var isFloatingPoint: Bool {
    switch self {
    case .f4, .f6E2M3, .f6E3M2, .f8E5M2, .f8E4M3, .f8E4M3FNUZ, .f8E5M2FNUZ, .f16, .bf16, .f32,
      .f64:
      true
    case .bool, .u8, .i8, .f8E8M0, .i16, .u16, .i32, .u32, .c64, .i64, .u64: false
    }
  }
}
