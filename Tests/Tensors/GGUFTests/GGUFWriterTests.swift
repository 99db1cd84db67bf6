import Elements
import Files
import GGUF
import SystemPackage
import TestSupport
import Testing

@Suite("Writing a GGUF file")
struct GGUFWriterTests {
  /// The library's file, written anew from its own values and tensors.
  private func rewrite(to path: FilePath, whole: Bool) throws {
    let file = try GGUFFile(opening: GGUFFileTests.library)
    let bytes = try contents(of: GGUFFileTests.library)
    let values = file.values.map { entry -> (key: String, value: GGUFValue) in
      // Cut on reading; what it holds is known.
      guard entry.key == "kinds.long" else { return entry }
      return (entry.key, .array(GGUFArray(kind: .int32, (0..<1500).map { .int32($0) })))
    }
    let writer = try GGUFWriter(
      creating: path, metadata: values,
      tensors: file.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) },
      overwrite: false)
    #expect(writer.byteCount == bytes.count)
    for (index, tensor) in file.tensors.enumerated().reversed() {
      let part = bytes[tensor.byteRange]
      let middle = whole ? part.count : part.count / 3
      unsafe try writer.write(Array(part.dropFirst(middle)).span.bytes, tensor: index, at: middle)
      unsafe try writer.write(Array(part.prefix(middle)).span.bytes, tensor: index, at: 0)
    }
    try writer.commit()
  }

  @Test("gives the bytes that the library writes", arguments: [true, false])
  func sameBytes(whole: Bool) throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.gguf")
    try rewrite(to: path, whole: whole)
    #expect(try contents(of: path) == contents(of: GGUFFileTests.library))
    #expect(folder.entries == ["a.gguf"])
  }

  @Test func anotherAlignmentIsWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.gguf")
    let writer = try GGUFWriter(
      creating: path, metadata: [],
      tensors: [
        .init(name: "a", type: .f32, shape: [3]), .init(name: "b", type: .i8, shape: [5]),
        .init(name: "empty", type: .f32, shape: [0]), .init(name: "scalar", type: .f16, shape: []),
      ], alignment: 128, overwrite: false)
    for (index, count) in [12, 5, 0, 2].enumerated() {
      unsafe try writer.write(
        [UInt8](repeating: UInt8(index + 1), count: count).span.bytes, tensor: index)
    }
    try writer.commit()
    let file = try GGUFFile(opening: path)
    #expect(file.alignment == 128 && file.value(of: "general.alignment") == .uint32(128))
    #expect(file.tensors.map { $0.byteRange.lowerBound - file.dataStart } == [0, 128, 256, 256])
    #expect(file.tensors.map(\.shape) == [[3], [5], [0], []])
    #expect(file.byteCount == file.dataStart + 384)
    #expect(file.problems.isEmpty)
    let bytes = try contents(of: path)[file.dataStart...]
    let expected: [(UInt8, Int)] = [(1, 12), (0, 116), (2, 5), (0, 123), (4, 2), (0, 126)]
    #expect(Array(bytes) == expected.flatMap { Array(repeating: $0.0, count: $0.1) })
  }

  @Test func whatWasNotWrittenIsNotCommitted() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.gguf")
    let writer = try GGUFWriter(
      creating: path, metadata: [], tensors: [.init(name: "a", type: .q80, shape: [2, 32])],
      overwrite: false)
    unsafe try writer.write([UInt8](repeating: 0, count: 34).span.bytes, tensor: 0, at: 34)
    #expect(
      throws: GGUFError.incompleteOutput(file: path, tensor: "a", written: 34, expected: 68)
    ) { try writer.commit() }
    #expect(folder.entries.isEmpty)
  }

  @Test func nothingIsLeftOfWhatIsDiscarded() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "a.gguf")
    #expect(throws: FileError.destinationExists(file: path)) {
      try GGUFWriter(creating: path, metadata: [], tensors: [], overwrite: false)
    }
    try GGUFWriter(creating: path, metadata: [], tensors: [], overwrite: true).discard()
    #expect(folder.entries == ["a.gguf"])
    #expect(try contents(of: path) == [1])
  }

  @Test(
    "refuses what no reader takes",
    arguments: [
      (
        [.init(name: "n", type: .f32, shape: [1, 1, 1, 1, 1])],
        "tensor 'n': 5 axes, expected at most 4"
      ),
      (
        [.init(name: "n", type: .f32, shape: [1]), .init(name: "n", type: .f32, shape: [1])],
        "tensor 'n' given twice"
      ),
      (
        [.init(name: "n", type: .q4K, shape: [2, 128])],
        "tensor 'n': Q4_K [2, 128], expected whole blocks that a file can hold"
      ),
      (
        [.init(name: "n", type: .f32, shape: [-1])],
        "tensor 'n': F32 [-1], expected whole blocks that a file can hold"
      ),
      (
        [
          .init(name: "m", type: .i8, shape: [.max - 31]), .init(name: "n", type: .i8, shape: [64]),
        ], "tensor 'm': I8 [9223372036854775776], expected whole blocks that a file can hold"
      ),
    ] as [([GGUFEntry], String)])
  func refusals(tensors: [GGUFEntry], message: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.gguf")
    #expect(
      throws: GGUFError.invalidOutput(file: path, detail: message)
    ) { try GGUFWriter(creating: path, metadata: [], tensors: tensors, overwrite: false) }
    #expect(folder.entries.isEmpty)
  }

  @Test func refusedNamesAndKeys() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.gguf")
    let long = String(repeating: "n", count: 128)
    #expect(
      throws: GGUFError.invalidOutput(
        file: path, detail: "tensor '\(long)': a name of 128 bytes, expected at most 127")
    ) {
      try GGUFWriter(
        creating: path, metadata: [], tensors: [.init(name: long, type: .f32, shape: [1])],
        overwrite: false)
    }
    for (metadata, message) in [
      ([("k", .bool(true)), ("k", .bool(true))], "key 'k' given twice"),
      ([("", .bool(true))], "key '': a key of 0 bytes, expected 1 to 65535"),
      ([("general.alignment", .uint32(64))], "key 'general.alignment': 64, expected 32"),
    ] as [([(key: String, value: GGUFValue)], String)] {
      #expect(throws: GGUFError.invalidOutput(file: path, detail: message)) {
        try GGUFWriter(creating: path, metadata: metadata, tensors: [], overwrite: false)
      }
    }
  }
}
