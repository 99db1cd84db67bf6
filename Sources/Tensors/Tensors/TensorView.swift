internal import Concurrency
public import Elements
public import Files
public import SystemPackage

/// One tensor: name, dtype, shape and its bytes in a mapped file, in memory, or made on demand.
///
/// A view holds its storage, so it stays valid after the file value is gone. Copying a view copies
/// a reference, never the data.
public struct TensorView: Sendable {
  /// Name in its file, or what a caller chose.
  public let name: String
  /// Type of the elements.
  public let dtype: DType
  /// Sizes, outermost first; `[]` is a scalar.
  public let shape: [Int]
  private let storage: ByteStorage
  private let byteRange: Range<Int>

  package init(
    name: String, dtype: DType, shape: [Int], storage: ByteStorage, byteRange: Range<Int>
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.storage = storage
    self.byteRange = byteRange
  }

  /// A tensor in memory, with a copy of these bytes.
  public init(name: String, dtype: DType, shape: [Int], copying bytes: RawSpan) {
    precondition(dtype.byteCount(shape: shape) == bytes.byteCount, "shape and bytes must agree")
    self.init(
      name: name, dtype: dtype, shape: shape, storage: ByteStorage(copying: bytes),
      byteRange: 0..<bytes.byteCount)
  }

  /// A float32 tensor in memory.
  public init(name: String, shape: [Int], _ elements: [Float]) {
    unsafe self.init(name: name, dtype: .f32, shape: shape, copying: elements.span.bytes)
  }

  /// A tensor whose bytes are made when they are asked for.
  public init(name: String, dtype: DType, shape: [Int], content: any TensorContent) {
    guard let byteCount = dtype.byteCount(shape: shape) else {
      preconditionFailure("the shape must have a size")
    }
    self.init(
      name: name, dtype: dtype, shape: shape,
      storage: ByteStorage(content, byteCount: byteCount), byteRange: 0..<byteCount)
  }

  /// A tensor that a file stores in blocks: its elements are F32 that is decoded when it is asked for.
  ///
  /// - Parameters:
  ///   - name: of the tensor.
  ///   - shape: of its elements; whole blocks.
  ///   - codes: its blocks as they are in the file, of dtype U8.
  ///   - type: of the blocks.
  package init(name: String, shape: [Int], codes: TensorView, type: BlockType) {
    let file = codes.file ?? ""
    self.init(
      name: name, dtype: .f32, shape: shape,
      content: BlockContent(file: file, codes: codes, type: type, name: name))
  }

  /// How the file stores the elements, which ``bytes`` may give in another form.
  public var encoding: Encoding {
    if let blocks { .blocks(blocks.type) } else { .elements(dtype) }
  }

  /// The blocks that the elements are decoded from, as bytes of a file; nil when they are in none.
  public var blocks: (type: BlockType, codes: TensorView)? { content?.blocks }

  /// What makes the bytes of this tensor; nil when they are there, and for a part of such a tensor.
  package var content: (any TensorContent)? {
    byteRange == 0..<storage.byteCount ? storage.content : nil
  }

  /// A part of this tensor's bytes as another tensor: for formats that keep their own structure in
  /// a mapped file.
  ///
  /// - Parameters:
  ///   - name: of the new tensor.
  ///   - dtype: of its elements.
  ///   - shape: of the new tensor; its size is that of the range.
  ///   - range: which bytes of this tensor.
  /// - Returns: a view of the same storage.
  public func part(name: String, dtype: DType, shape: [Int], range: Range<Int>) -> TensorView {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= byteCount
        && dtype.byteCount(shape: shape) == range.count, "a part lies in its tensor")
    let start = byteRange.lowerBound + range.lowerBound
    return TensorView(
      name: name, dtype: dtype, shape: shape, storage: storage,
      byteRange: start..<start + range.count)
  }

  /// What a header says of this tensor.
  public var description: TensorDescription {
    TensorDescription(name: name, dtype: dtype, shape: shape)
  }

  /// The file that holds it; nil for a tensor in memory.
  public var file: FilePath? { storage.file }
  /// Where its bytes begin in the file; nil for a tensor in memory, or one whose bytes are made.
  public var fileOffset: Int? { isMapped ? byteRange.lowerBound : nil }
  /// Whether the file holds the bytes as they are.
  public var isMapped: Bool { storage.file != nil && storage.content == nil }

  /// Number of elements.
  public var elementCount: Int { shape.elementCount }
  /// Number of bytes.
  public var byteCount: Int { byteRange.count }

  /// The tensor's bytes, little-endian, row-major. Bytes that have to be made are made whole and
  /// kept while a view lives; see ``makeWhole()`` and, for parts, ``withBytes(_:_:)``.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get { storage.bytes.extracting(byteRange) }
  }

  /// Has the system read the tensor's bytes, or the codes that they are decoded from, and doesn't wait.
  package func willNeed() {
    let held = blocks?.codes ?? self
    held.storage.willNeed(held.byteRange)
  }

  /// Tells the system that small tensors here and there in the file of this one will be read, so that it reads
  /// nothing around them; or that this is over.
  package func expect(scatteredReads isScattered: Bool) {
    storage.expect(scatteredReads: isScattered)
  }

  /// Makes bytes that are made on demand, all of them, and keeps them: so that ``bytes`` can't meet
  /// a damaged file any more, where nothing could be reported.
  public func makeWhole() throws(FileError) { try storage.makeWhole() }

  /// Runs the body with some of the bytes: in place where they are mapped or in memory, else made
  /// for this call and not kept.
  public func withBytes<Result>(
    _ range: Range<Int>, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    let start = byteRange.lowerBound + range.lowerBound
    let inStorage = start..<start + range.count
    guard let content = storage.content else {
      return try body(storage.bytes.extracting(inStorage))
    }
    return try unsafe Scratch.withBytes(range.count) { memory throws(any Error) in
      var part = unsafe MutableRawSpan(_unsafeStart: memory, byteCount: range.count)
      try content.read(inStorage, into: &part)
      return try body(part.bytes)
    }
  }

  /// The rows (first axis) in a range, as a view of the same storage. Only for dtypes whose rows
  /// fill whole bytes.
  public func rows(_ range: Range<Int>) -> TensorView {
    precondition(!shape.isEmpty && range.upperBound <= shape[0], "rows must lie in the first axis")
    let rowByteCount = shape[0] == 0 ? 0 : byteCount / shape[0]
    let start = byteRange.lowerBound + range.lowerBound * rowByteCount
    return TensorView(
      name: name, dtype: dtype, shape: [range.count] + shape.dropFirst(), storage: storage,
      byteRange: start..<start + range.count * rowByteCount)
  }

  /// Whether both are the same bytes of one storage.
  package func isSameStorage(as other: TensorView) -> Bool {
    storage === other.storage && byteRange == other.byteRange && dtype == other.dtype
  }

  /// The same tensor under another name.
  public func named(_ name: String) -> TensorView {
    TensorView(name: name, dtype: dtype, shape: shape, storage: storage, byteRange: byteRange)
  }

  /// Some elements widened to float32; for dtypes with ``DType/isWidenable``. Those that have to be
  /// made are made for this call only.
  ///
  /// - Parameters:
  ///   - elements: which, row-major.
  ///   - output: as many.
  /// - Throws: when bytes that have to be made can't be.
  public func widen(_ elements: Range<Int>, into output: inout MutableSpan<Float>) throws {
    if let (type, codes) = blocks, elements.lowerBound % type.elementCount == 0,
      elements.upperBound % type.elementCount == 0, type.isDecodable
    {
      let range = Encoding.blocks(type).byteRange(of: elements)
      return try codes.withBytes(range) { decode($0, from: type, into: &output) }
    }
    // Bytes that are made take memory only for a part at a time.
    let step = content == nil ? elements.count : 1 << 20
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: max(step, 1)) {
      let part = start..<min(elements.upperBound, start + step)
      let place = part.lowerBound - elements.lowerBound..<part.upperBound - elements.lowerBound
      var target = output._mutatingExtracting(place)
      try withBytes(dtype.byteRange(of: part)) {
        Elements.widen($0, from: dtype, into: &target)
      }
    }
  }

  /// The elements widened to float32; for dtypes with ``DType/isWidenable``.
  public func floats() -> [Float] {
    unsafe Array(unsafeUninitializedCapacity: elementCount) { buffer, count in
      unsafe buffer.initialize(repeating: 0)
      var span = unsafe MutableSpan(_unsafeElements: buffer)
      Elements.widen(bytes, from: dtype, into: &span)
      count = buffer.count
    }
  }
}
