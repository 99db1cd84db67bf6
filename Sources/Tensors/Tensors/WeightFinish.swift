internal import CKernels
internal import Elements
internal import Files
internal import SystemPackage

/// What is done with the numbers of a weight after its codes were scaled: a product of two narrow matrices is
/// added, and the inputs are turned back. Sums are taken in double precision and rounded once, so that numbers don't
/// depend on which of them are asked for together.
///
/// **Source:** SDNQ 0.2.8, `sdnq/dequantizer.py`, `dequantize_symmetric` (`svd_up`, `svd_down`, `hadamard`);
/// `sdnq/quant_utils.py`, `build_hadamard` (for powers of 4 products of one matrix of 4, for others of one of 2),
/// `prepare_svd_for_matmul`.
package struct WeightFinish: Sendable {
  /// The narrow matrices; nil where nothing is added.
  private let product: NarrowProduct?
  /// Elements of a row that are turned together; 1 where nothing is turned.
  let groupLength: Int
  /// The weight's file and name, for errors.
  private let file: FilePath
  private let name: String

  /// The most elements that may be turned together: who reads numbers in runs takes a multiple of it.
  package static let mostTurned = 1 << 12

  /// - Parameters:
  ///   - product: `up` `[rows, rank]` and `down` `[rank, columns]`, or both with their axes exchanged; where shapes
  ///     don't tell, `isTransposed` does, and nil says that nothing does. Nil for nothing to add.
  ///   - rotation: how many elements of a row are turned together, a power of two of at most ``mostTurned``; nil
  ///     for none.
  ///   - weight: the weight, whose rows are whole groups.
  /// - Throws: when the matrices don't go with the weight.
  package init(
    product: (up: TensorView, down: TensorView, isTransposed: Bool?)?, rotation: Int?,
    weight: TensorView
  ) throws(ScaleFault) {
    self.product =
      if let (up, down, isTransposed) = product {
        try NarrowProduct(
          up, down, isTransposed: isTransposed, rows: weight.shape[0],
          columns: weight.shape.dropFirst().elementCount)
      } else { nil }
    groupLength = rotation ?? 1
    precondition(groupLength <= Self.mostTurned, "groups that runs are multiples of")
    (file, name) = (weight.file ?? "", weight.name)
  }

  /// What is needed for some elements that follow each other in a weight of a width.
  func prepared(for count: Int, width: Int) -> Prepared {
    // Rows after the first take the second matrix's numbers from memory.
    Prepared(finish: self, down: count > width ? product?.wideDown() : nil)
  }

  /// A finish with numbers at hand.
  struct Prepared {
    fileprivate let finish: WeightFinish
    /// The second matrix; nil where its numbers are taken as they are needed.
    fileprivate let down: [Float]?

    /// Finishes elements of one row.
    func apply(
      to values: inout MutableSpan<Float>, _ row: Int, _ column: Int
    ) throws(FileError) {
      // The turning writes whole groups.
      precondition(values.count.isMultiple(of: finish.groupLength), "whole groups")
      let product = finish.product
      let isFinite = unsafe values.withUnsafeMutableBufferPointer { values in
        unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: values.count) { sums in
          guard let start = sums.baseAddress else { return true }
          for index in 0..<values.count {
            unsafe sums.initializeElement(at: index, to: Double(values[index]))
          }
          unsafe product?.add(to: sums, row, column, down)
          if finish.groupLength > 1 {
            unsafe ck_rotate_sums(start, values.count, finish.groupLength)
          }
          var isFinite = true
          for index in 0..<values.count {
            unsafe values[index] = Float(sums[index])
            isFinite = unsafe isFinite && values[index].isFinite
          }
          return isFinite
        }
      }
      guard !isFinite else { return }
      throw .damagedContent(
        file: finish.file,
        detail: "tensor '\(finish.name)' with its factors has no finite numbers in row \(row)")
    }
  }
}

/// Two narrow matrices whose product has a weight's shape.
private struct NarrowProduct: Sendable {
  let up: TensorView
  let down: TensorView
  private let rank: Int
  private let columns: Int
  /// Whether each stands with its axes exchanged.
  private let isTransposed: Bool
  private let upNumbers: FactorNumbers
  private let downNumbers: FactorNumbers

  init(
    _ up: TensorView, _ down: TensorView, isTransposed said: Bool?, rows: Int, columns: Int
  ) throws(ScaleFault) {
    let rank = up.shape.count == 2 && down.shape.count == 2 ? down.shape[0] : 0
    let isStraight = rank > 0 && up.shape == [rows, rank] && down.shape == [rank, columns]
    let other = up.shape.first ?? 0
    let isOther = other > 0 && up.shape == [other, rows] && down.shape == [columns, other]
    // Square matrices of a square weight may stand either way.
    guard let isTransposed = isStraight && isOther ? said : isOther else {
      throw ScaleFault(
        up,
        expected: "to be told by config.json which way it and '\(down.name)' \(down.shape) stand")
    }
    guard isStraight || isOther else {
      throw ScaleFault(
        up,
        expected:
          "\([rows]) rows of numbers, and '\(down.name)' \(down.shape) columns of as many for "
          + "\([columns])")
    }
    guard up.dtype.bitCount > 8, down.dtype.bitCount > 8,
      let upNumbers = FactorNumbers(up.dtype), let downNumbers = FactorNumbers(down.dtype)
    else {
      throw ScaleFault(up, expected: "floating-point numbers in it and in '\(down.name)'")
    }
    self.up = up
    self.down = down
    self.columns = columns
    self.isTransposed = isTransposed
    self.rank = isTransposed ? other : rank
    (self.upNumbers, self.downNumbers) = (upNumbers, downNumbers)
  }

  /// The second matrix, `[rank, columns]`.
  func wideDown() -> [Float] { down(0..<columns) }

  /// Some columns of it.
  private func down(_ wanted: Range<Int>) -> [Float] {
    unsafe down.bytes.withUnsafeBytes { bytes in
      (0..<rank).flatMap { line in
        wanted.map { column in
          let place = isTransposed ? column * rank + line : line * columns + column
          return unsafe downNumbers.number(bytes, place)
        }
      }
    }
  }

  /// Adds elements of one row of the product.
  func add(
    to sums: UnsafeMutableBufferPointer<Double>, _ row: Int, _ column: Int, _ wide: [Float]?
  ) {
    guard let start = sums.baseAddress else { return }
    let numbers = wide ?? down(column..<column + sums.count)
    let (width, first) = wide == nil ? (sums.count, 0) : (columns, column)
    let rows = up.shape[isTransposed ? 1 : 0]
    unsafe up.bytes.withUnsafeBytes { bytes in
      unsafe numbers.withUnsafeBufferPointer { numbers in
        guard let base = numbers.baseAddress else { return }
        for line in 0..<rank {
          let place = isTransposed ? line * rows + row : row * rank + line
          let factor = unsafe upNumbers.number(bytes, place)
          unsafe ck_add_products(start, sums.count, Double(factor), base + line * width + first)
        }
      }
    }
  }
}
