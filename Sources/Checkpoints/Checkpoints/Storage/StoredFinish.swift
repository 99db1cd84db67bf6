internal import Formats
internal import JSON
internal import Tensors

/// What a form says is done with a weight's numbers after its codes were scaled, before a layer is looked at.
///
/// **Source:** SDNQ 0.2.8, `sdnq/dequantizer.py`; `sdnq/quant_utils.py`, `get_hadamard_group_size`.
struct FinishEntry: Sendable {
  /// What the narrow matrices are called whose product is added, in layers that have them.
  let up: String
  let down: String
  /// The key of config.json that says whether inputs are rotated, and that of how many together, at most.
  private let rotationKey: String
  private let sizeKey: String
  /// How many where nothing is said.
  private let usualSize: Int

  init(_ entry: JSONValue) {
    (up, down) = (entry.text("up"), entry.text("down"))
    let rotation = entry["rotation"] ?? .null
    (rotationKey, sizeKey) = (rotation.text("if"), rotation.text("by"))
    usualSize = rotation["usual"]?.integer ?? 0
  }

  /// What is to be done in one layer; nil for nothing.
  func resolved(
    _ group: StoredGroup, columns: Int, _ statement: QuantizationStatement?
  ) throws(UnreadLayer) -> LayerFinish? {
    let hasUp = group.member(up) != nil
    guard hasUp == (group.member(down) != nil) else {
      throw UnreadLayer("with one of '\(up)' and '\(down)', which go together")
    }
    let rotation = try rotation(columns: columns, group.path, statement)
    if !hasUp, rotation == nil { return nil }
    return LayerFinish(product: hasUp ? (up, down) : nil, rotation: rotation)
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
    if size < 4 { return nil }
    // SDNQ has the matrix in the type of its results, where those of other sizes have no whole factor.
    guard size.trailingZeroBitCount.isMultiple(of: 2) else {
      throw UnreadLayer("with inputs rotated \(size) at a time, expected a power of 4")
    }
    return size
  }
}

/// What is done with the numbers of one layer.
struct LayerFinish: Sendable {
  /// The narrow matrices whose product is added; nil for none.
  let product: (up: String, down: String)?
  /// How many inputs are rotated together; nil for none.
  let rotation: Int?
}
