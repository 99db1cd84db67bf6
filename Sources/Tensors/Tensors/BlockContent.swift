internal import Elements
internal import Files
internal import SystemPackage

/// The elements of a tensor that a file stores in blocks, as F32 that is decoded when it is asked for.
struct BlockContent: TensorContent {
  let file: FilePath
  /// The blocks as they are in the file.
  let codes: TensorView
  let type: BlockType
  /// The tensor's name in the file.
  let name: String

  var blocks: (type: BlockType, codes: TensorView)? { (type, codes) }

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    guard type.isDecodable else {
      throw .damagedContent(
        file: file, detail: "tensor '\(name)': \(type.name) is not decoded")
    }
    let blockByteCount = type.elementCount * 4
    var position = range.lowerBound
    while position < range.upperBound {
      let done = position - range.lowerBound
      let start = position % blockByteCount
      let wholeBlocks = (range.upperBound - position) / blockByteCount
      if start == 0, wholeBlocks > 0 {
        let blocks = position / blockByteCount..<position / blockByteCount + wholeBlocks
        var part = output._mutatingExtracting(done..<done + wholeBlocks * blockByteCount)
        try decodeBlocks(blocks, into: &part)
        position += wholeBlocks * blockByteCount
      } else {
        let count = min(blockByteCount - start, range.upperBound - position)
        var part = output._mutatingExtracting(done..<done + count)
        try read(start..<start + count, ofBlock: position / blockByteCount, into: &part)
        position += count
      }
    }
  }

  /// Makes some bytes of one block.
  private func read(
    _ range: Range<Int>, ofBlock block: Int, into output: inout MutableRawSpan
  ) throws(FileError) {
    var elements = [Float](repeating: 0, count: type.elementCount)
    var span = elements.mutableSpan
    var bytes = unsafe span.mutableBytes
    try decodeBlocks(block..<block + 1, into: &bytes)
    unsafe elements.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes {
        unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
    }
  }

  /// Makes blocks from where the file has them, or from bytes that are made for this call.
  private func decodeBlocks(
    _ blocks: Range<Int>, into output: inout MutableRawSpan
  ) throws(FileError) {
    let size = type.byteCount
    try withBytes(blocks.lowerBound * size..<blocks.upperBound * size, of: codes) {
      decode($0, from: type, into: &output)
    }
  }
}
