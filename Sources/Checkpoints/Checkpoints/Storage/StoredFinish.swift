internal import Formats
internal import JSON
internal import Tensors

/// What a form says is done with a weight's numbers after its codes were scaled, before a layer is looked at.
///
/// **Source:** SDNQ 0.2.8, `sdnq/dequantizer.py`; `sdnq/quant_utils.py`, `get_hadamard_group_size`; `sdnq/utils.py`,
/// `get_quant_kwargs` and `check_quantized_matmul_is_allowed` (which layers have their matrices transposed).
struct FinishEntry: Sendable {
  /// What the narrow matrices are called whose product is added, in layers that have them.
  let up: String
  let down: String
  /// The key of config.json that says whether those have their axes exchanged, that of a list of layers where they
  /// don't all the same, and what rows and columns of weights are at least, and multiples of, where they do.
  private let transposedKey: String
  private let straightKey: String
  private let least: Int
  private let multiple: Int
  /// The key of config.json that says whether inputs are rotated, and that of how many together, at most.
  private let rotationKey: String
  private let sizeKey: String
  /// How many where nothing is said.
  private let usualSize: Int

  init(_ entry: JSONValue) {
    (up, down) = (entry.text("up"), entry.text("down"))
    let transposed = entry["transposed"] ?? .null
    (transposedKey, straightKey) = (transposed.text("if"), transposed.text("unless"))
    (least, multiple) = (
      transposed["least"]?.integer ?? 1, transposed["multiple"]?.integer ?? 1
    )
    let rotation = entry["rotation"] ?? .null
    (rotationKey, sizeKey) = (rotation.text("if"), rotation.text("by"))
    usualSize = rotation["usual"]?.integer ?? 0
  }

  /// What is to be done in one layer; nil for nothing.
  func resolved(
    _ group: StoredGroup, shape: [Int], _ statement: QuantizationStatement?
  ) throws(UnreadLayer) -> LayerFinish? {
    let hasUp = group.member(up) != nil
    guard hasUp == (group.member(down) != nil) else {
      throw UnreadLayer("with one of '\(up)' and '\(down)', which go together")
    }
    let rotation = try rotation(columns: shape.last ?? 1, group.path, statement)
    if !hasUp, rotation == nil { return nil }
    let isTransposed = isTransposed(shape, group.path, statement)
    return LayerFinish(
      product: hasUp ? (up, down, isTransposed) : nil, rotation: rotation)
  }

  /// Whether the matrices have their axes exchanged; nil where nothing certain is said of the layer.
  private func isTransposed(
    _ shape: [Int], _ path: String, _ statement: QuantizationStatement?
  ) -> Bool? {
    guard let statement else { return nil }
    guard statement.value(transposedKey, ofLayer: path)?.bool == true,
      shape.allSatisfy({ $0 >= least && $0.isMultiple(of: multiple) })
    else { return false }
    return statement.lists(path, in: straightKey).map { !$0 }
  }

  /// How many inputs are rotated together; nil for none. The largest power of two that divides a row, but no
  /// more than is said.
  private func rotation(
    columns: Int, _ path: String, _ statement: QuantizationStatement?
  ) throws(UnreadLayer) -> Int? {
    guard statement?.value(rotationKey, ofLayer: path)?.bool == true else { return nil }
    let said = statement?.value(sizeKey, ofLayer: path) ?? .integer(Int64(usualSize))
    guard let most = said.integer, 1...WeightFinish.mostTurned ~= most else {
      throw UnreadLayer(
        "whose '\(sizeKey)' is \(said.text()), expected a power of two up to \(WeightFinish.mostTurned)"
      )
    }
    var size = 1
    while size < min(columns, most) { size *= 2 }
    while columns % size != 0 { size /= 2 }
    return size < 4 ? nil : size
  }
}

/// What is done with the numbers of one layer.
struct LayerFinish: Sendable {
  /// The narrow matrices whose product is added, and whether they have their axes exchanged where their shapes
  /// don't tell; nil for none.
  let product: (up: String, down: String, isTransposed: Bool?)?
  /// How many inputs are rotated together; nil for none.
  let rotation: Int?
}
