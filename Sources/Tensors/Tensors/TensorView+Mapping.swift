internal import Elements
public import Files
public import SystemPackage

/// Maps a file and gives all its bytes as a tensor of bytes: for formats that keep their own
/// structure, whose tensors are ``TensorView/part(name:dtype:shape:range:)`` of it.
///
/// - Parameter path: a regular file.
/// - Returns: a view `[bytes of the file]` of dtype U8, named as the path.
/// - Throws: ``SafetensorsError`` when it can't be opened or mapped.
public func mapFile(_ path: FilePath) throws(FileError) -> TensorView {
  let file = try InputFile(opening: path)
  let storage =
    file.byteCount > 0
    ? try ByteStorage(mapping: file) : ByteStorage(copying: RawSpan())
  return TensorView(
    name: path.string, dtype: .u8, shape: [file.byteCount], storage: storage,
    byteRange: 0..<file.byteCount)
}
