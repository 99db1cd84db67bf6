internal import Elements
internal import Tensors

/// Takes the factors of fused modules apart, exactly.
///
/// When every column of B is non-zero in the rows of one module only, B is block-diagonal: someone
/// fused separate adapters by stacking their As, and each module gets its own columns of B and rows
/// of A back. Otherwise every module shares A and takes its rows of B. A module whose rows are
/// all zero while others' aren't was not adapted, and is left out.
///
/// Source: kohya-ss/sd-scripts, `networks/convert_flux_lora.py`, `convert_sd_scripts_to_ai_toolkit`
/// (equal blocks); here for blocks of any width.
///
/// - Parameters:
///   - down: A `[rank, in]`.
///   - up: B `[rows of all modules, rank]`.
///   - rows: how many rows each module has.
/// - Returns: each module's factors; nil for a module that isn't adapted.
func splitFactors(
  down: TensorView, up: TensorView, rows: [Int]
) -> [(down: TensorView, up: TensorView)?] {
  let rank = down.shape[0]
  guard let columns = blockColumns(up: up, rows: rows) else {
    var start = 0
    let parts = rows.map { count in
      defer { start += count }
      return up.rows(start..<start + count)
    }
    let isAdapted = parts.map { !$0.isZero }
    let isUntrained = !isAdapted.contains(true)
    return zip(parts, isAdapted).map { $1 || isUntrained ? (down, $0) : nil }
  }
  var start = 0
  return zip(rows, columns).map { count, own in
    defer { start += count }
    guard !own.isEmpty else { return nil }
    precondition(own.upperBound <= rank, "columns lie in the rank")
    return (down.rows(own), up.rows(start..<start + count).columns(own))
  }
}

/// The columns of B that belong to each module, when every column belongs to one; else nil.
private func blockColumns(up: TensorView, rows: [Int]) -> [Range<Int>]? {
  let rank = up.shape[1]
  guard let owners = columnOwners(up: up, rows: rows),
    owners.contains(where: { $0 != nil })
  else { return nil }
  // Equal blocks, as converters write them: a column of zeros stays with its block.
  if rank % rows.count == 0 {
    let width = rank / rows.count
    let isEqual = owners.enumerated().allSatisfy { $1 == nil || $1 == $0 / width }
    if isEqual { return rows.indices.map { $0 * width..<($0 + 1) * width } }
  }
  // Blocks of other widths: owners ascend, and a column of zeros stays with the one before.
  var ends = Array(repeating: 0, count: rows.count)
  var current = owners.lazy.compactMap { $0 }.first ?? 0
  for (column, owner) in owners.enumerated() {
    if let owner {
      guard owner >= current else { return nil }
      current = owner
    }
    ends[current] = column + 1
  }
  var start = 0
  return ends.map { end in
    defer { start = max(start, end) }
    return start..<max(start, end)
  }
}

/// The module in whose rows each column of B is non-zero, nil for a column of zeros; nil as a whole
/// when a column is non-zero in several modules.
private func columnOwners(up: TensorView, rows: [Int]) -> [Int?]? {
  let rank = up.shape[1]
  var owners = [Int?](repeating: nil, count: rank)
  var start = 0
  for (module, count) in rows.enumerated() {
    let values = up.rows(start..<start + count).floats()
    start += count
    for (index, value) in values.enumerated() where value != 0 {
      let column = index % rank
      if let owner = owners[column], owner != module { return nil }
      owners[column] = module
    }
  }
  return owners
}

extension TensorView {
  /// A copy of some columns of a matrix.
  func columns(_ range: Range<Int>) -> TensorView {
    var copy: [UInt8] = []
    copy.reserveCapacity(dtype.byteCount(elements: shape[0] * range.count))
    for row in 0..<shape[0] {
      let start = row * shape[1] + range.lowerBound
      copy.append(bytes, dtype.byteRange(of: start..<start + range.count))
    }
    return TensorView(
      name: name, dtype: dtype, shape: [shape[0], range.count], copyingBytes: copy)
  }

  /// A copy of some rows of a matrix, or some elements of a vector, one range after another.
  func rows(_ ranges: [Range<Int>]) -> TensorView {
    if ranges.count == 1 { return rows(ranges[0]) }
    var copy: [UInt8] = []
    for range in ranges { copy += rows(range).copiedBytes }
    return TensorView(
      name: name, dtype: dtype,
      shape: [ranges.reduce(0) { $0 + $1.count }] + shape.dropFirst(), copyingBytes: copy)
  }

  /// A copy with the two halves of the first axis exchanged.
  func swappingHalves() -> TensorView {
    let half = byteCount / 2
    var copy: [UInt8] = []
    copy.reserveCapacity(byteCount)
    copy.append(bytes, half..<byteCount)
    copy.append(bytes, 0..<half)
    return TensorView(name: name, dtype: dtype, shape: shape, copyingBytes: copy)
  }

  init(name: String, dtype: DType, shape: [Int], copyingBytes bytes: [UInt8]) {
    unsafe self.init(name: name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ bytes: RawSpan, _ range: Range<Int>) {
    unsafe bytes.extracting(range).withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}
