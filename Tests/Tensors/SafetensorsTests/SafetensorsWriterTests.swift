import Dispatch
import Elements
import Files
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Writing a safetensors file")
struct SafetensorsWriterTests {
  let folder: TemporaryFolder
  let file: FilePath

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path.appending("out.safetensors")
  }

  private let tensors = [
    TensorDescription(name: "b", dtype: .u8, shape: [3]),
    TensorDescription(name: "a", dtype: .f32, shape: []),
    TensorDescription(name: "none", dtype: .bf16, shape: [0, 4]),
  ]

  /// Written by hand from the format's description: 168 bytes of JSON and padding.
  private var expected: [UInt8] {
    let json =
      #"{"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"#
      + #""a":{"dtype":"F32","shape":[],"data_offsets":[3,7]},"#
      + #""none":{"dtype":"BF16","shape":[0,4],"data_offsets":[7,7]}}"#
    let padding = String(repeating: " ", count: 200 - json.utf8.count)
    return [200, 0, 0, 0, 0, 0, 0, 0] + (json + padding).utf8 + [7, 8, 9, 0, 0, 0x80, 0x3F]
  }

  @Test func bytesAreThoseOfTheFormatInAnyOrderOfWriting() throws {
    let writer = try SafetensorsWriter(
      creating: file, tensors: tensors, metadata: [("format", "pt")], overwrite: false)
    try writer.write([0, 0, 0x80, 0x3F], tensor: 1)
    try writer.write([8, 9], tensor: 0, at: 1)
    try writer.write([7], tensor: 0)
    try writer.commit()
    #expect(try contents(of: file) == expected)
    #expect(writer.byteCount == expected.count)
    #expect(folder.entries == ["out.safetensors"])
  }

  @Test func whatIsReadIsWhatWasWritten() throws {
    let names = ["é", "e\u{301}", "\u{202E}\"\\\n\u{0}", "plain"]
    let views = names.enumerated().map { index, name in
      TensorView(name: name, shape: [2, index], (0..<2 * index).map(Float.init))
    }
    let metadata: Metadata = [("a\u{0}b", "line\nbreak"), ("é", "1"), ("e\u{301}", "2")]
    try writeSafetensors(views, metadata: metadata, to: file, overwrite: false)
    let read = try SafetensorsFile(opening: file)
    #expect(read.tensors.map(\.description) == views.map(\.description))
    #expect(read.tensors.map { $0.floats() } == views.map { $0.floats() })
    #expect(
      read.metadata.map { Array("\($0.key)=\($0.value)".utf8) }
        == metadata.map { Array("\($0.0)=\($0.1)".utf8) })
  }

  @Test func severalThreadsWriteOneFile() throws {
    let values = (0..<64 * 1000).map(Float.init)
    let view = TensorView(name: "w", shape: [64, 1000], values)
    let writer = try SafetensorsWriter(
      creating: file, tensors: [view.description], metadata: [], overwrite: false)
    DispatchQueue.concurrentPerform(iterations: 64) { row in
      try? writer.write(view.rows(row..<row + 1).bytes, tensor: 0, at: row * 4000)
    }
    try writer.commit()
    #expect(try SafetensorsFile(opening: file).tensors[0].floats() == values)
  }

  @Test func unwrittenBytesAreNotCommitted() throws {
    let writer = try SafetensorsWriter(
      creating: file, tensors: tensors, metadata: [], overwrite: false)
    try writer.write([7, 8, 9], tensor: 0)
    try writer.write([0, 0], tensor: 1)
    #expect(
      throws: SafetensorsError.incompleteOutput(file: file, tensor: "a", written: 2, expected: 4)
    ) { try writer.commit() }
    #expect(folder.entries == [])
  }

  @Test(
    arguments: [
      (["a", "a"], [1], "two tensors"), (["__metadata__"], [1], "two tensors"),
      (["a"], [-1], "bytes"), (["a"], [1 << 62], "bytes"), (["a"], [1 << 40, 1 << 40], "bytes"),
    ] as [([String], [Int], String)])
  func impossibleTensorsAreRefused(names: [String], shape: [Int], reason: String) {
    let error = #expect(throws: SafetensorsError.self) {
      _ = try SafetensorsWriter(
        creating: file,
        tensors: names.map { TensorDescription(name: $0, dtype: .f32, shape: shape) },
        metadata: [], overwrite: false)
    }
    guard case .invalidOutput = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(folder.entries == [])
  }

  @Test func metadataKeyGivenTwiceIsRefused() {
    #expect(
      throws: SafetensorsError.invalidOutput(file: file, detail: "metadata key 'k' given twice")
    ) {
      try writeSafetensors([], metadata: [("k", "1"), ("k", "2")], to: file, overwrite: false)
    }
  }

  @Test func headerOverTheLimitIsRefused() {
    let error = #expect(throws: SafetensorsError.self) {
      try writeSafetensors(
        [],
        metadata: [
          ("k", String(decoding: [UInt8](repeating: 0x78, count: 100_000_000), as: UTF8.self))
        ], to: file,
        overwrite: false)
    }
    guard case .invalidOutput = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func inputThatShrinksWhileItIsCopiedIsAnErrorNotASignal() throws {
    let values = [Float](repeating: 1, count: 100_000)
    let input = folder.path.appending("in.safetensors")
    try writeSafetensors(
      [TensorView(name: "w", shape: [100_000], values)], to: input, overwrite: false)
    let view = try SafetensorsFile(opening: input).tensors[0]
    let shrinking = try FileDescriptor.open(input, .readWrite)
    try shrinking.closeAfter { try shrinking.resize(to: 5000) }
    let error = #expect(throws: FileError.writeFailed(file: file, reason: .badAddress)) {
      try writeSafetensors([view], to: file, overwrite: false)
    }
    #expect(error?.description.contains("truncated") == true)
    #expect(folder.entries == ["in.safetensors"])
  }

  @Test func fileIsReplacedWhileItIsMapped() throws {
    try writeSafetensors([TensorView(name: "w", shape: [2], [1, 2])], to: file, overwrite: false)
    let input = try SafetensorsFile(opening: file)
    try writeSafetensors([TensorView(name: "w", shape: [2], [3, 4])], to: file, overwrite: true)
    #expect(try input.tensor(named: "w").floats() == [1, 2])
    #expect(try SafetensorsFile(opening: file).tensor(named: "w").floats() == [3, 4])
  }
}

extension SafetensorsWriter {
  fileprivate func write(
    _ bytes: [UInt8], tensor index: Int, at byteOffset: Int = 0
  ) throws {
    unsafe try write(bytes.span.bytes, tensor: index, at: byteOffset)
  }
}
