import Elements
import Files
import Synchronization
import SystemPackage
import Tensors
import Testing

@Suite("Tensors whose bytes are made on demand")
struct TensorContentTests {
  /// Counts up from zero; refuses to make a byte from `damagedFrom` on.
  private final class Counting: TensorContent {
    let file: FilePath = "made.safetensors"
    let damagedFrom: Int
    let calls = Mutex<[Range<Int>]>([])

    init(damagedFrom: Int = .max) { self.damagedFrom = damagedFrom }

    func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
      calls.withLock { $0.append(range) }
      guard range.upperBound <= damagedFrom else {
        throw FileError.damagedContent(file: file, detail: "made up")
      }
      for position in range {
        output.storeBytes(
          of: UInt8(truncatingIfNeeded: position), toByteOffset: position - range.lowerBound,
          as: UInt8.self)
      }
    }
  }

  private func bytes(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe Array($0) }
  }

  @Test func partsAreMadeForTheCallAndNotKept() throws {
    let content = Counting()
    let view = TensorView(name: "t", dtype: .u8, shape: [10, 10], content: content)
    #expect(try view.withBytes(20..<23) { bytes($0) } == [20, 21, 22])
    #expect(try view.rows(3..<5).withBytes(1..<3) { bytes($0) } == [31, 32])
    #expect(content.calls.withLock { $0 } == [20..<23, 31..<33])
    #expect(view.file == "made.safetensors" && view.fileOffset == nil && !view.isMapped)
  }

  @Test func wholeBytesAreMadeOnce() throws {
    let content = Counting()
    let view = TensorView(name: "t", dtype: .u8, shape: [3], content: content)
    try view.makeWhole()
    #expect(bytes(view.bytes) == [0, 1, 2])
    #expect(bytes(view.named("u").bytes) == [0, 1, 2])
    #expect(content.calls.withLock { $0 } == [0..<3])
  }

  @Test func damageIsAnErrorThatNamesTheFile() throws {
    let view = TensorView(
      name: "t", dtype: .u8, shape: [8], content: Counting(damagedFrom: 4))
    #expect(try view.withBytes(0..<4) { bytes($0) } == [0, 1, 2, 3])
    #expect(throws: FileError.damagedContent(file: "made.safetensors", detail: "made up")) {
      try view.withBytes(2..<6) { _ in }
    }
    #expect(throws: FileError.damagedContent(file: "made.safetensors", detail: "made up")) {
      try view.makeWhole()
    }
  }
}
