import Elements
import GGUF
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files that were split into parts, and tensors without elements.
@Suite("Parts of a GGUF file")
struct PartTests {
  private let folder: TemporaryFolder
  private let names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]

  init() throws { folder = try TemporaryFolder() }

  private func path(_ part: Int) -> FilePath { folder.path.appending(names[part]) }

  private func write(_ part: Int, number: UInt16, count: UInt16 = 2, total: Int32 = 3) throws {
    let tensors = [["a", "b"], ["c"]][part]
    let writer = try GGUFWriter(
      creating: path(part),
      metadata: [
        ("general.name", .string("part \(part)")), ("split.no", .uint16(number)),
        ("split.count", .uint16(count)), ("split.tensors.count", .int32(total)),
      ], tensors: tensors.map { .init(name: $0, type: .f32, shape: [1]) }, overwrite: true)
    for index in tensors.indices {
      unsafe try writer.write([UInt8](repeating: UInt8(part), count: 4).span.bytes, tensor: index)
    }
    try writer.commit()
  }

  @Test("are read together, whichever is named", arguments: [0, 1])
  func joined(part: Int) throws {
    try write(0, number: 0)
    try write(1, number: 1)
    let source = try openGGUF(path(part))
    #expect(source.tensors.map(\.name) == ["a", "b", "c"])
    #expect(source.files == [path(0), path(1)])
    #expect(source.metadata.map(\.value) == ["part 0"])
    #expect(source.problems == ["one of 2 parts, read together with the others"])
  }

  private func message() -> String? {
    let error = #expect(throws: GGUFError.self) { _ = try openGGUF(path(0)) }
    return error?.description
  }

  @Test func areNotReadAlone() throws {
    try write(0, number: 0)
    #expect(
      message()
        == "\(path(0)): part 1 of 2 of a split GGUF, and m-00002-of-00002.gguf is not beside it; put "
        + "all parts into one folder, under the names that they were split into")
    try write(1, number: 0)
    #expect(
      message() == "\(path(1)): part 1 of 2, expected part 2 of 2; are the parts of one split?")
    try write(1, number: 1)
    try write(0, number: 0, total: 5)
    #expect(
      message()
        == "\(path(0)): 3 tensors in 2 parts, expected 5, as 'split.tensors.count' says; are the parts "
        + "of one split?")
  }

  @Test func aTensorWithoutElementsNeedsNoBytes() throws {
    let path = path(0)
    let writer = try GGUFWriter(
      creating: path, metadata: [],
      tensors: [
        .init(name: "a", type: .f32, shape: [3]), .init(name: "mark", type: .f32, shape: [0]),
      ], overwrite: false)
    unsafe try writer.write([UInt8](repeating: 1, count: 12).span.bytes, tensor: 0)
    try writer.commit()
    // Some writers leave out the padding of the last tensor that has bytes.
    let bytes = try contents(of: path)
    for cut in [0, 20] {
      let file = try folder.write(Array(bytes.dropLast(cut)), to: "cut-\(cut).gguf")
      let mark = try #require(try openGGUF(file).find("mark"))
      #expect(mark.shape == [0] && mark.byteCount == 0 && mark.dtype == .f32)
    }
  }
}
