internal import Elements
internal import Files
internal import SystemPackage
internal import Tensors

/// The elements of a tensor in blocks, as F32 that is decoded when it is asked for.
struct BlockContent: TensorContent {
  let file: FilePath
  /// All bytes of the file.
  let bytes: TensorView
  let tensor: GGUFTensor

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    guard tensor.type.isDequantizable else {
      throw .damagedContent(
        file: file, detail: "tensor '\(tensor.name)': \(tensor.type.name) is not decoded")
    }
    let blockByteCount = tensor.type.blockElements * 4
    var position = range.lowerBound
    while position < range.upperBound {
      let done = position - range.lowerBound
      let start = position % blockByteCount
      let wholeBlocks = (range.upperBound - position) / blockByteCount
      if start == 0, wholeBlocks > 0 {
        let blocks = position / blockByteCount..<position / blockByteCount + wholeBlocks
        var part = output._mutatingExtracting(done..<done + wholeBlocks * blockByteCount)
        decodeBlocks(encoded(blocks), from: tensor.type, into: &part)
        position += wholeBlocks * blockByteCount
      } else {
        let count = min(blockByteCount - start, range.upperBound - position)
        var part = output._mutatingExtracting(done..<done + count)
        read(start..<start + count, ofBlock: position / blockByteCount, into: &part)
        position += count
      }
    }
  }

  /// Makes some bytes of one block.
  private func read(_ range: Range<Int>, ofBlock block: Int, into output: inout MutableRawSpan) {
    var elements = [Float](repeating: 0, count: tensor.type.blockElements)
    var span = elements.mutableSpan
    dequantize(encoded(block..<block + 1), from: tensor.type, into: &span)
    unsafe elements.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes {
        unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
    }
  }

  /// Blocks as they are in the file.
  @_lifetime(borrow self)
  private func encoded(_ blocks: Range<Int>) -> RawSpan {
    let start = tensor.byteRange.lowerBound
    let size = tensor.type.blockBytes
    return bytes.bytes.extracting(
      start + blocks.lowerBound * size..<start + blocks.upperBound * size)
  }
}
