public import Elements
public import Files
public import SystemPackage

/// Bytes of a tensor that are not in a file as they are, and are made when they are asked for:
/// decompressed, widened from blocks, restored from a difference.
public protocol TensorContent: Sendable {
  /// The file that they are made from; messages name it.
  var file: FilePath { get }

  /// The blocks of a file that the bytes are decoded from; nil where they are made otherwise.
  var blocks: (type: BlockType, codes: TensorView)? { get }

  /// Makes some of the tensor's bytes.
  ///
  /// Called from several threads at once. What part is asked for may cost more than its size (a
  /// whole chunk is decompressed for one byte of it), so ask for large parts in order.
  ///
  /// - Parameters:
  ///   - range: which bytes of the tensor.
  ///   - output: as many bytes, little-endian.
  /// - Throws: ``FileError/damagedContent(file:detail:)`` when the file's bytes make no
  ///   sense or fail their checksum.
  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError)
}

extension TensorContent {
  /// None.
  public var blocks: (type: BlockType, codes: TensorView)? { nil }

  /// Runs the body with some bytes of a tensor that these are made from.
  ///
  /// - Throws: what names a file as it is, anything else as damage of ``file``.
  func withBytes(
    _ range: Range<Int>, of tensor: TensorView, _ body: (RawSpan) throws -> Void
  ) throws(FileError) {
    do { try tensor.withBytes(range, body) } catch let error as FileError { throw error } catch {
      throw .damagedContent(file: file, detail: "\(error)")
    }
  }
}
