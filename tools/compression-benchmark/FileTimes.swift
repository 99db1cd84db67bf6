internal import Compression
internal import Concurrency
internal import Elements
internal import Safetensors
internal import SystemPackage
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#endif

/// Times compressing and restoring a file of normal bfloat16 weights, from and to the page cache.
struct FileTimes {
  let folder: FilePath
  let megabytes: Int

  func print() throws {
    let plain = folder.appending("plain.safetensors")
    try write(plain)
    let file = try SafetensorsFile(opening: plain)
    Swift.print("MB/s of wall time and of processor time")
    Swift.print("chunk KiB  threads   ratio  compress          decompress        restore")
    for chunkByteCount in [256 << 10, 1 << 20, 4 << 20] {
      for threads in [1, 2] {
        Parallel.useThreads(threads)
        try measure(file, chunkByteCount: chunkByteCount, threads: threads)
      }
    }
    for name in ["plain", "packed", "restored"] {
      unsafe unlink(folder.appending("\(name).safetensors").string)
    }
  }

  private func measure(_ file: SafetensorsFile, chunkByteCount: Int, threads: Int) throws {
    let packed = folder.appending("packed.safetensors")
    var input = CompressionInput(
      tensors: file.tensors.map(\.description), metadata: file.metadata)
    input.chunkByteCount = chunkByteCount
    let views = file.tensors
    let compressing = try Times {
      try input.write(to: packed, overwrite: true) { tensor, range, output in
        try unsafe output.withUnsafeMutableBytes { output in
          try views[tensor].withBytes(range) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe output.copyMemory(from: $0) }
          }
        }
      }
    }
    let source = try TensorSource(opening: packed)
    let restored = try source.decompressed()
    let decompressing = try Times { try FileTimes.readAll(restored) }
    let restoring = try Times {
      try source.restore(
        to: folder.appending("restored.safetensors"), overwrite: true)
    }
    let bytes = Double(file.byteCount)
    let perSecond = { (times: Times) in
      text(bytes / times.wall / 1e6, digits: 0, width: 8)
        + text(bytes / times.processor / 1e6, digits: 0, width: 8)
    }
    Swift.print(
      text(Double(chunkByteCount >> 10), digits: 0, width: 9),
      text(Double(threads), digits: 0, width: 8),
      text(Double(source.byteCount) / bytes, digits: 4, width: 7),
      perSecond(compressing), perSecond(decompressing), perSecond(restoring))
  }

  /// Reads everything in portions of 4 MiB, and drops it.
  private static func readAll(_ source: TensorSource) throws {
    for tensor in source.tensors {
      Parallel.forEachRange(of: tensor.byteCount, size: 4 << 20, work: .max) { range in
        do { try tensor.withBytes(range) { _ in } } catch { Swift.print(error) }
      }
    }
  }

  /// Tensors of 32 MiB, so that making the weights takes a second.
  private func write(_ path: FilePath) throws {
    let count = max(1, megabytes / 32)
    let bytes = normalWeights(byteCount: 32 << 20, seed: 2)
    let descriptions = (0..<count).map {
      TensorDescription(name: "blocks.\($0).weight", dtype: .bf16, shape: [4096, 4096])
    }
    let writer = try SafetensorsWriter(
      creating: path, tensors: descriptions, metadata: [], overwrite: true)
    for index in 0..<count { unsafe try writer.write(bytes.span.bytes, tensor: index) }
    try writer.commit()
  }

}

/// How long something took: on the clock, and of all processors together.
private struct Times {
  let wall: Double
  let processor: Double

  init(_ body: () throws -> Void) rethrows {
    let before = clock()
    wall = try seconds(body)
    processor = Double(clock() - before) / Double(CLOCKS_PER_SEC)
  }
}
