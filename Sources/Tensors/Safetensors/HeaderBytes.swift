package import SystemPackage
package import Tensors

/// The bytes that begin a safetensors file and what they say, apart from any file: for containers
/// that keep the header of another file, or write their own last.
package struct HeaderBytes: Sendable {
  /// The most bytes of JSON that a header may have.
  package static let byteLimit = HeaderText.byteLimit

  /// Length word, JSON, padding.
  package let bytes: [UInt8]
  /// In the order of the header.
  package let tensors: [TensorDescription]
  /// Where in the file each tensor's bytes are.
  package let byteRanges: [Range<Int>]
  /// The texts of `__metadata__`, in its order.
  package let metadata: Metadata
  /// Size of the whole file.
  package let fileByteCount: Int

  /// Reads what a header says, and checks it as opening a file does.
  ///
  /// - Parameters:
  ///   - bytes: length word, JSON, padding; nothing else.
  ///   - file: which file errors name.
  /// - Throws: what opening a file with this header throws.
  package init(parsing bytes: [UInt8], file: FilePath) throws {
    guard bytes.count >= 8 else {
      throw SafetensorsError.tooShort(file: file, byteCount: bytes.count)
    }
    let declared = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(HeaderText.byteLimit) else {
      throw SafetensorsError.headerTooLarge(
        file: file, declared: declared, limit: HeaderText.byteLimit)
    }
    guard Int(declared) == bytes.count - 8 else {
      throw SafetensorsError.headerTruncated(
        file: file, declared: Int(declared), available: bytes.count - 8)
    }
    let header: Header
    let dataByteCount: Int
    do throws(HeaderFault) {
      header = try HeaderReader.read(unsafe bytes.span.bytes.extracting(8..<bytes.count))
      dataByteCount = try header.checkLayout()
    } catch {
      throw SafetensorsError.malformedHeader(file: file, fault: error)
    }
    let (fileByteCount, overflow) = dataByteCount.addingReportingOverflow(bytes.count)
    guard !overflow else {
      throw SafetensorsError.invalidOutput(
        file: file, detail: "more bytes of tensors than a file can hold")
    }
    self.bytes = bytes
    self.fileByteCount = fileByteCount
    tensors = header.entries.map {
      TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
    }
    byteRanges = header.entries.map { bytes.count + $0.begin..<bytes.count + $0.end }
    metadata = header.metadata
  }

  /// The header that ``SafetensorsWriter`` would write of these tensors, in this order.
  ///
  /// - Parameters:
  ///   - tensors: what the file holds.
  ///   - metadata: the texts of `__metadata__`.
  ///   - file: which file errors name.
  ///   - byteCount: how many bytes it takes at least, for a header whose place is reserved; the rest
  ///     is padding.
  /// - Throws: ``SafetensorsError/invalidOutput(file:detail:)``.
  package init(
    tensors: [TensorDescription], metadata: Metadata, file: FilePath,
    byteCount: Int? = nil
  ) throws {
    let text = try HeaderText(
      tensors: tensors, metadata: metadata, file: file, byteCount: byteCount)
    bytes = text.bytes
    self.tensors = tensors
    self.metadata = metadata
    let starts = text.offsets.map { text.bytes.count + $0 }
    byteRanges = tensors.indices.map { starts[$0]..<starts[$0 + 1] }
    fileByteCount = starts[tensors.count]
  }
}
