import Dispatch
import Elements
import Files
import Glibc
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Writing a checkpoint in shards")
struct ShardedWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Tensors `0`, `1`, … of these many float32 elements; all elements of one are its number.
  private func tensors(_ counts: [Int]) -> [TensorView] {
    counts.enumerated().map { index, count in
      TensorView(
        name: "\(index)", shape: [count], [Float](repeating: Float(index), count: count))
    }
  }

  private func writer(
    _ tensors: [TensorView], shardByteLimit: Int, variant: String? = nil, overwrite: Bool = false
  ) throws -> ShardedWriter {
    try ShardedWriter(
      creatingIn: folder.path, base: "m", variant: variant, tensors: tensors.map(\.description),
      metadata: [("format", "pt")], shardByteLimit: shardByteLimit, overwrite: overwrite)
  }

  @Test(
    arguments: [
      // Sizes in elements of four bytes, shards of at most 40 bytes.
      ([1, 2, 3], [[0, 1, 2]]), ([5, 5, 5], [[0, 1], [2]]), ([11, 1, 1], [[0], [1, 2]]),
      ([1, 11, 1], [[0], [1], [2]]), ([0, 10, 0, 1], [[0, 1, 2], [3]]), ([], [[]]),
    ] as [([Int], [[Int]])])
  func partition(counts: [Int], expected: [[Int]]) throws {
    let views = tensors(counts)
    let writer = try writer(views, shardByteLimit: 40)
    for (index, view) in views.enumerated() { try writer.write(view.bytes, tensor: index) }
    try writer.commit()
    let source = try TensorSource(opening: folder.path)
    #expect(
      source.files.map { file in
        source.tensors.filter { $0.file == file }.compactMap { Int($0.name) }
      } == expected)
    #expect(source.files.map { $0.lastComponent?.string ?? "" } == writer.fileNames)
    #expect(source.problems == [])
    #expect(source.metadata.map(\.value) == ["pt"])
    for view in views { #expect(try source.tensor(named: view.name).floats() == view.floats()) }
    #expect(folder.entries.count == (expected.count == 1 ? 1 : expected.count + 1))
    #expect((source.index == nil) == (expected.count == 1))
  }

  @Test func indexIsAsTheFormatSays() throws {
    let views = tensors([10, 10])
    let writer = try writer(views, shardByteLimit: 40, variant: "fp16")
    for index in views.indices.reversed() { try writer.write(views[index].bytes, tensor: index) }
    try writer.commit()
    #expect(
      folder.entries == [
        "m.fp16-00001-of-00002.safetensors", "m.fp16-00002-of-00002.safetensors",
        "m.safetensors.index.fp16.json",
      ])
    let text = try contents(of: folder.path.appending("m.safetensors.index.fp16.json"))
    #expect(
      try unsafe JSONValue(parsing: text.span.bytes) == [
        "metadata": ["total_size": 80],
        "weight_map": [
          "0": "m.fp16-00001-of-00002.safetensors", "1": "m.fp16-00002-of-00002.safetensors",
        ],
      ])
    #expect(try TensorSource(opening: folder.path, variant: "fp16").tensors.count == 2)
  }

  @Test func severalThreadsWriteTheShards() throws {
    let views = tensors([Int](repeating: 1000, count: 40))
    let writer = try writer(views, shardByteLimit: 12_000)
    DispatchQueue.concurrentPerform(iterations: 80) { half in
      let view = views[half / 2]
      let rows = half % 2 == 0 ? 0..<300 : 300..<1000
      try? writer.write(view.rows(rows).bytes, tensor: half / 2, at: rows.lowerBound * 4)
    }
    try writer.commit()
    let source = try TensorSource(opening: folder.path)
    #expect(source.files.count == 14)
    for view in views { #expect(source.find(view.name)?.floats() == view.floats()) }
  }

  @Test func unwrittenTensorLeavesNoIndex() throws {
    let views = tensors([10, 10, 10])
    let writer = try writer(views, shardByteLimit: 40)
    try writer.write(views[0].bytes, tensor: 0)
    try writer.write(views[2].bytes, tensor: 2)
    #expect(
      throws: SafetensorsError.incompleteOutput(
        file: folder.path.appending(writer.fileNames[1]), tensor: "1", written: 0, expected: 40)
    ) { try writer.commit() }
    #expect(!folder.entries.contains("m.safetensors.index.json"))
  }

  @Test func nameGivenTwiceInTwoShardsIsRefused() {
    let view = TensorView(name: "w", shape: [10], [Float](repeating: 0, count: 10))
    let error = #expect(throws: SafetensorsError.self) {
      _ = try writer([view, view], shardByteLimit: 40)
    }
    guard case .invalidOutput = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func spaceForAllShardsIsCheckedFirst() {
    let huge = TensorDescription(name: "w", dtype: .u8, shape: [1 << 50])
    #expect(throws: FileError.writeFailed(file: folder.path, reason: .noSpace)) {
      _ = try ShardedWriter(
        creatingIn: folder.path, base: "m", tensors: [huge], metadata: [],
        shardByteLimit: 1 << 30, overwrite: false)
    }
    #expect(folder.entries == [])
  }

  @Test func zerosOfSparseShardsTakeNoSpace() throws {
    // 64 GB that no disk of a test machine needs to have.
    let huge = (0..<4).map { TensorDescription(name: "\($0)", dtype: .u8, shape: [1 << 34]) }
    let writer = try ShardedWriter(
      creatingIn: folder.path, base: "m", tensors: huge, metadata: [], shardByteLimit: 1 << 35,
      isSparse: true, overwrite: false)
    for index in huge.indices { try writer.leaveZeros(tensor: index) }
    try writer.commit()
    let source = try TensorSource(opening: folder.path)
    #expect(source.files.count == 2)
    #expect(source.tensors.map(\.description) == huge)
    for file in source.files {
      #expect(try blockCount(of: file) * 512 < 1 << 20)
    }
    let last = try #require(source.find("3"))
    try last.withBytes((1 << 34) - 4096..<1 << 34) { bytes in
      #expect(unsafe bytes.withUnsafeBytes { unsafe $0.allSatisfy { $0 == 0 } })
    }
  }

  /// How many blocks of 512 bytes a file takes.
  private func blockCount(of file: FilePath) throws -> Int {
    var status = stat()
    guard unsafe stat(file.string, &status) == 0 else { throw Errno(rawValue: errno) }
    return Int(status.st_blocks)
  }
}
