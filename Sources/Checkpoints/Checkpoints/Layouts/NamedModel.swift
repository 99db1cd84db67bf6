/// What is known tensor by tensor: a transformer of a family, or another component.
public protocol NamedModel: Sendable {
  /// Every tensor under the names of a layout, in the layout's order.
  func entries(in layout: Layout) -> [LayoutEntry]
  /// Tensors that a file may have besides: they carry no numbers of the model. One that ends in a dot stands for
  /// all whose names begin so.
  var markers: [String] { get }
}

extension NamedModel {
  /// Where every parameter lies in a layout, by its canonical name. Modules whose sizes the dimensions don't
  /// tell are left out.
  package func placements(in layout: Layout) -> [String: WeightPlacement] {
    let found = entries(in: layout).lazy.flatMap { entry in
      zip(entry.parameters, entry.placements)
    }
    return Dictionary(found, uniquingKeysWith: { first, _ in first })
  }
}

extension Architecture: NamedModel {
  /// The tensors that set flags.
  public var markers: [String] { family.flags.compactMap(\.marker) }
}
