internal import CKernels
internal import Concurrency
package import Elements
internal import Files
public import Tensors

/// A matrix of weights as its file stores it: widened panel by panel inside products, never whole.
public struct Weight: Sendable {
  /// The parameter, seen as `[rows, columns]`; further axes are folded into the columns.
  public let stored: StoredWeight
  /// Output features.
  public let rows: Int
  /// Input features.
  public let columns: Int
  /// How many elements along a row can only be had together.
  private let groupLength: Int
  /// Its bytes, where the matrix is in one piece and its elements are where processors want them.
  private let inPlace: (tensor: TensorView, range: Range<Int>)?
  /// Its copy where another engine computes, one for all copies of this value.
  private let onDevice = OnDevice()

  private final class OnDevice: Sendable {
    let copy = DeviceCopy()
  }

  /// A weight that can be widened and has at least one axis; both are the caller's to check.
  public init(_ stored: StoredWeight) {
    precondition(stored.isWidenable && !stored.shape.isEmpty, "a weight must be a float matrix")
    self.stored = stored
    rows = stored.shape[0]
    columns = stored.shape.dropFirst().elementCount
    groupLength = stored.groupLength
    inPlace = stored.bytesInPlace(0..<stored.elementCount).flatMap { tensor, range in
      let isAligned = unsafe tensor.bytes.withUnsafeBytes {
        (Int(bitPattern: $0.baseAddress) + range.lowerBound) % max(tensor.dtype.bitCount / 8, 1)
          == 0
      }
      return isAligned ? (tensor, range) : nil
    }
  }

  /// A weight in memory `[rows, columns]`.
  public init(_ tensor: Tensor) {
    self.init(StoredWeight(TensorView(name: "", shape: tensor.shape, tensor.floats)))
  }

  /// Runs the body with a block of the matrix as float32: in place when the file holds float32,
  /// else widened into scratch memory.
  func withBlock(rows: Range<Int>, columns: Range<Int>, _ body: (MatrixView) -> Void) {
    if let start = unsafe elements(as: Float.self, .f32) {
      return unsafe body(
        MatrixView(
          start: start + rows.lowerBound * self.columns + columns.lowerBound, stride: self.columns))
    }
    unsafe Scratch.withFloats(rows.count * columns.count) { scratch in
      if columns.count == self.columns {
        // Whole rows follow each other in the file and widen in one go.
        unsafe widen(
          rows.lowerBound * self.columns, count: rows.count * columns.count, into: scratch)
      } else if let start = unsafe elements(as: UInt16.self, .bf16) {
        unsafe ck_bf16_rows_to_f32(
          start + rows.lowerBound * self.columns + columns.lowerBound, self.columns, rows.count,
          columns.count, scratch)
      } else {
        for row in rows {
          let first = row * self.columns + columns.lowerBound
          let place = unsafe scratch + (row - rows.lowerBound) * columns.count
          unsafe widen(first, count: columns.count, into: place)
        }
      }
      unsafe body(MatrixView(start: scratch, stride: columns.count))
    }
  }

  /// Runs the body with a block of the matrix as products pack it: where the file has it if that holds float32
  /// or bfloat16, else widened into scratch memory.
  func withPackable(rows: Range<Int>, columns: Range<Int>, _ body: (WeightBlock) -> Void) {
    guard let start = unsafe elements(as: UInt16.self, .bf16) else {
      return unsafe withBlock(rows: rows, columns: columns) { unsafe body(.floats($0)) }
    }
    let first = rows.lowerBound * self.columns + columns.lowerBound
    unsafe body(.bfloat16(BFloat16View(start: start + first, stride: self.columns)))
  }

  /// The copy on a device, made once. It may refer to ``stored`` but must not to this value.
  ///
  /// - Parameters:
  ///   - place: what the device's memory belongs to.
  ///   - make: copies the weight.
  /// - Returns: the copy, one for all who ask.
  package func copy(
    in place: AnyObject, _ make: () throws -> any DeviceFloats
  ) rethrows -> any DeviceFloats {
    try onDevice.copy.copy(in: place, make)
  }

  /// The copy on a device; nil where there is none.
  package func copy(keptIn place: AnyObject) -> (any DeviceFloats)? {
    onDevice.copy.kept(in: place)
  }

  /// Whether there is a copy on a device.
  package func isCopied(in place: AnyObject) -> Bool { copy(keptIn: place) != nil }

  /// Gives the copy on a device back.
  package func forgetCopy() { onDevice.copy.forget() }

  /// What tells it from other weights, and is the same of all copies of this value.
  package var identity: any AnyObject & Sendable { onDevice }

  /// Runs the body with the type and the bytes of codes that are in one piece in memory or in a mapped file, and what
  /// they are multiplied by: one number for all or as many for every row, none where they are the elements; or with
  /// nil, where elements are made of codes in another way.
  package func withCodesInPlace<Result>(
    _ body: ((dtype: DType, bytes: UnsafeRawBufferPointer, factors: [Float])?) throws -> Result
  ) rethrows -> Result {
    if let (tensor, range) = inPlace {
      return try unsafe tensor.bytes.extracting(range).withUnsafeBytes {
        try unsafe body((tensor.dtype, $0, []))
      }
    }
    guard stored.pieces.count == 1, let piece = stored.pieces.first,
      piece.tensor.dtype.bitCount == 8, let factors = piece.factorsOfRows(columns)
    else { return try unsafe body(nil) }
    return try unsafe piece.tensor.bytes.extracting(piece.elements).withUnsafeBytes {
      try unsafe body((piece.tensor.dtype, $0, factors))
    }
  }

  /// Runs the body with the type and the bytes of all elements where they are in one piece and aligned in memory
  /// or in a mapped file, else with nil.
  package func withBytesInPlace<Result>(
    _ body: ((dtype: DType, bytes: UnsafeRawBufferPointer)?) throws -> Result
  ) rethrows -> Result {
    guard let (tensor, range) = inPlace else { return try body(nil) }
    return try unsafe tensor.bytes.extracting(range).withUnsafeBytes {
      try unsafe body((tensor.dtype, $0))
    }
  }

  /// Whether products pack its elements from where its file has them.
  var isPackable: Bool { inPlace.map { [.f32, .bf16].contains($0.tensor.dtype) } ?? false }

  /// Where the first element stands, if they are of this type and all in place.
  private func elements<Element>(
    as type: Element.Type, _ dtype: DType
  ) -> UnsafePointer<Element>? {
    guard let (tensor, range) = inPlace, tensor.dtype == dtype else { return nil }
    return unsafe tensor.bytes.extracting(range).withUnsafeBytes {
      unsafe $0.baseAddress?.assumingMemoryBound(to: type)
    }
  }

  /// Widens elements that follow each other; of blocks, those around them too.
  private func widen(_ first: Int, count: Int, into output: UnsafeMutablePointer<Float>) {
    let start = first / groupLength * groupLength
    // Rows may end within a block.
    let end = min(
      (first + count + groupLength - 1) / groupLength * groupLength, stored.elementCount)
    guard start < first || end > first + count else {
      return unsafe widenGroups(first..<first + count, into: output)
    }
    unsafe Scratch.withFloats(end - start) { whole in
      unsafe widenGroups(start..<end, into: whole)
      unsafe output.update(from: whole + (first - start), count: count)
    }
  }

  private func widenGroups(_ elements: Range<Int>, into output: UnsafeMutablePointer<Float>) {
    var target = unsafe MutableSpan(_unsafeStart: output, count: elements.count)
    do { try stored.widen(elements, into: &target) } catch {
      // Inside a product nobody can be told, as when a mapped file is truncated.
      MappedFile.fail("\(error)")
    }
  }

  /// These rows, with their bytes at hand.
  func rowsAtHand(_ rows: Range<Int>) -> Weight {
    do { return Weight(try stored.madeRows(rows)) } catch { MappedFile.fail("\(error)") }
  }
}

extension StoredWeight {
  /// All values, for arithmetic that can't report a damaged file: such a one ends the process, as a
  /// truncated one does.
  package var floatsInsideArithmetic: [Float] {
    do { return try floats() } catch { MappedFile.fail("\(error)") }
  }
}
