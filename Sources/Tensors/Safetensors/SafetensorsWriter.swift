internal import Files
internal import Synchronization
public import SystemPackage
public import Tensors

/// Writes a safetensors file that appears complete or not at all.
///
/// Sizes are known from the start, so the header is written first and tensors may come in any
/// order and from several threads. Tensors lie in the order given, each where the one before ended;
/// data begin at a multiple of eight bytes, so giving wide dtypes first keeps every tensor aligned.
///
/// Source: huggingface/safetensors, `safetensors/src/tensor.rs`, `prepare` and `serialize_to_file`.
public final class SafetensorsWriter: Sendable {
  /// The destination.
  public let path: FilePath
  /// What is written, in the order of the file.
  public let tensors: [TensorDescription]
  /// Size of the whole file.
  public let byteCount: Int

  private let file: AtomicFile
  /// Where each tensor begins in the file, and last where the file ends.
  private let starts: [Int]
  private let written: Mutex<[WrittenRanges]>

  /// Creates the temporary with its header, and reserves the space of all tensors.
  ///
  /// - Parameters:
  ///   - path: the destination; its folder must exist.
  ///   - tensors: what will be written, in the order of the file.
  ///   - metadata: the texts of `__metadata__`; nothing is added to them.
  ///   - headerReserve: bytes by which the header may grow; see ``replaceMetadata(_:)``.
  ///   - isSparse: whether to reserve no space, so that tensors left to ``leaveZeros(tensor:)`` take
  ///     none.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  /// - Throws: what ``AtomicFile/init(creating:byteCount:overwrite:)`` throws, and
  ///   ``SafetensorsError/invalidOutput(file:detail:)`` for names given twice, shapes without a size
  ///   or a header over the format's limit.
  public init(
    creating path: FilePath, tensors: [TensorDescription],
    metadata: Metadata, headerReserve: Int = 0, isSparse: Bool = false,
    overwrite: Bool
  ) throws {
    var header = try HeaderText(tensors: tensors, metadata: metadata, file: path)
    if headerReserve > 0 {
      let byteCount = (header.bytes.count + headerReserve + 7) / 8 * 8
      header = try HeaderText(
        tensors: tensors, metadata: metadata, file: path, byteCount: byteCount)
    }
    self.path = path
    self.tensors = tensors
    starts = header.offsets.map { header.bytes.count + $0 }
    byteCount = starts[tensors.count]
    written = Mutex(Array(repeating: WrittenRanges(), count: tensors.count))
    file = try AtomicFile(
      creating: path, byteCount: isSparse ? nil : byteCount, overwrite: overwrite)
    unsafe try file.write(header.bytes.span.bytes, at: 0)
    if isSparse, byteCount > header.bytes.count {
      // Gives the file its size; what nobody writes reads as zeros.
      unsafe try file.write([UInt8(0)].span.bytes, at: byteCount - 1)
    }
  }

  /// Writes a part of a tensor, or the whole. Any order, from several threads; each byte once.
  ///
  /// - Parameters:
  ///   - bytes: little-endian, row-major.
  ///   - index: which of ``tensors``.
  ///   - byteOffset: where in the tensor the bytes begin.
  /// - Throws: ``FileError/writeFailed(file:reason:)``.
  public func write(
    _ bytes: RawSpan, tensor index: Int, at byteOffset: Int = 0
  ) throws {
    let range = byteOffset..<byteOffset + bytes.byteCount
    precondition(
      byteOffset >= 0 && range.upperBound <= starts[index + 1] - starts[index],
      "bytes must lie in their tensor")
    try file.write(bytes, at: starts[index] + byteOffset)
    written.withLock { $0[index].insert(range) }
  }

  /// Writes other texts of `__metadata__`, which may be known only after the tensors. The header must
  /// not grow by more than was reserved.
  public func replaceMetadata(
    _ metadata: Metadata
  ) throws {
    let header = try HeaderText(
      tensors: tensors, metadata: metadata, file: path, byteCount: starts[0])
    guard header.bytes.count == starts[0] else {
      throw SafetensorsError.invalidOutput(
        file: path, detail: "metadata grew by more than was reserved for it")
    }
    unsafe try file.write(header.bytes.span.bytes, at: 0)
  }

  /// Counts a tensor of a sparse file as written; it is zeros and takes no space.
  public func leaveZeros(tensor index: Int) {
    written.withLock { $0[index].insert(0..<starts[index + 1] - starts[index]) }
  }

  /// Checks that every byte was written, makes the file durable and gives it its name.
  public func commit() throws {
    let counts = written.withLock { $0.map(\.byteCount) }
    for (index, count) in counts.enumerated() where count != starts[index + 1] - starts[index] {
      file.discard()
      throw SafetensorsError.incompleteOutput(
        file: path, tensor: tensors[index].name, written: count,
        expected: starts[index + 1] - starts[index])
    }
    try file.commit()
  }

  /// Whether the file was committed or discarded.
  var isFinished: Bool { file.isFinished }

  /// Gives the output up: removes the temporary. Dropping the writer does the same.
  public func discard() { file.discard() }
}
