import Checkpoints
import Elements
import FuzzSupport
import MemoryFiles
import SystemPackage
import Tensors

@testable import GGUF

/// A GGUF file: what is accepted has every tensor in the file, and its first elements can be decoded; also those
/// that are put together of several, where it says that it is a part of a model that is known.
@main
enum GGUFTarget: FuzzTarget {
  static func run(_ input: RawSpan) {
    do { try GGUFFile.check(input) } catch {
      _ = "\(error)"
      return
    }
    do {
      let file = try GGUFFile(opening: MemoryFile.path(holding: input))
      _ = file.metadata.map { "\($0.key)\($0.value)" }.count + file.problems.count
      for tensor in file.tensors {
        promise(
          tensor.byteRange.lowerBound >= file.dataStart
            && tensor.byteRange.upperBound <= file.byteCount
            && tensor.byteRange.count == tensor.byteCount, "a tensor lies in the file")
      }
      for view in try file.views { try decode(view) }
      let whole = try OpenedCheckpoint(opening: MemoryFile.path(holding: input))
      for view in whole.source.tensors { try decode(view) }
      _ = "\(whole.description.title)\(whole.description.problems)"
    } catch {
      _ = "\(error)"
    }
  }

  private static func decode(_ view: TensorView) throws {
    promise(view.dtype.byteCount(shape: view.shape) == view.byteCount, "a view has its size")
    // Both ends of what may be gigabytes of zeros from a few bytes of blocks.
    let first = 0..<min(view.byteCount, 4096)
    let last = max(0, view.byteCount - 4096)..<view.byteCount
    for range in [first, last] where !range.isEmpty {
      try view.withBytes(range) { bytes in
        promise(bytes.byteCount == range.count, "as many bytes as asked for")
      }
    }
  }
}
