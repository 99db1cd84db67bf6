import Elements
import FuzzSupport
import SystemPackage
import Tensors
import Text

@testable import Safetensors

/// The JSON of a safetensors header: what is accepted covers its data without hole or overlap, and
/// written again says the same.
@main
enum HeaderTarget: FuzzTarget {
  static func run(_ input: RawSpan) {
    let header: Header
    let byteCount: Int
    do {
      header = try HeaderReader.read(input)
      byteCount = try header.checkLayout()
    } catch {
      _ = "\(error)"
      return
    }
    let tensors = header.entries.map {
      TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
    }
    let sizes = tensors.map { $0.dtype.byteCount(shape: $0.shape) ?? -1 }
    promise(sizes.reduce(0, +) == byteCount, "sizes add up")
    promise(
      zip(sizes, header.entries).allSatisfy { $0 == $1.end - $1.begin && $1.end <= byteCount },
      "every tensor lies in the data")
    // What the writer refuses are sizes that no file can have.
    guard let text = try? HeaderText(tensors: tensors, metadata: header.metadata, file: "again")
    else { return promise(byteCount > Int.max >> 1, "an accepted header can be written") }
    let again: Header?
    do { again = try unsafe HeaderReader.read(text.bytes.span.bytes.extracting(8...)) } catch {
      again = nil
    }
    let found = again?.entries.map {
      TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
    }
    promise(found == tensors, "a header is read back as it was written")
    promise(
      again?.metadata.elementsEqual(header.metadata) {
        $0.key.sameBytes(as: $1.key) && $0.value.sameBytes(as: $1.value)
      } == true, "metadata is read back as it was written")
  }
}
