internal import Files
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// `glance-inspect` from its start to its end, against `head` that reads the bytes of the headers.
public struct InspectionBenchmark: Benchmark {
  private let checkpoint: FilePath
  private let files: [FilePath]
  private let headerLength: Int

  /// A benchmark of a safetensors file, or of a folder with such.
  ///
  /// - Throws: where there is no header.
  public init(of checkpoint: FilePath) throws {
    self.checkpoint = checkpoint
    files = try Self.files(of: checkpoint)
    headerLength = try files.map(Self.headerLength).max() ?? 0
  }

  /// Both programs.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    try tell("inspect, \(checkpoint)")
    let command = try Self.ownFolder().appending("glance-inspect").string
    let length = headerLength
    let contenders = [
      Contender(name: "glance-inspect") {
        try ChildProcess.run([command, "--", checkpoint.string])
      },
      Contender(name: "head of \(length) bytes") {
        try ChildProcess.run(["head", "-qc", "\(length)", "--"] + files.map(\.string))
      },
    ]
    return [
      Comparison(
        "inspect", checkpoint.lastComponent?.string ?? checkpoint.string, basis: .wall,
        try stopwatch.time(contenders))
    ]
  }

  private static func files(of checkpoint: FilePath) throws -> [FilePath] {
    guard folderNames(checkpoint) != nil else { return [checkpoint] }
    for folder in [checkpoint, checkpoint.appending("transformer")] {
      let names = (folderNames(folder) ?? []).filter { $0.hasSuffix(".safetensors") }
      if !names.isEmpty { return names.map { folder.appending($0) } }
    }
    throw BenchmarkError.noHeader(file: checkpoint, detail: "has no .safetensors file")
  }

  /// Bytes up to the end of a file's header, the eight that tell its length among them.
  private static func headerLength(_ file: FilePath) throws -> Int {
    let descriptor: FileDescriptor
    do { descriptor = try .open(file, .readOnly, options: .closeOnExec) } catch {
      throw FileError.cannotOpen(file: file, reason: error as? Errno ?? .ioError)
    }
    return try descriptor.closeAfter {
      var bytes = [UInt8](repeating: 0, count: 8)
      let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
      let size = try descriptor.seek(offset: 0, from: .end)
      let length = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard count == 8, length > 1, length < UInt64(size) else {
        throw BenchmarkError.noHeader(file: file, detail: "has no safetensors header")
      }
      return 8 + Int(length)
    }
  }

  /// Where this program is, and the others with it.
  private static func ownFolder() throws -> FilePath {
    guard let path = unsafe realpath("/proc/self/exe", nil) else {
      throw Errno(rawValue: errno)
    }
    defer { unsafe free(path) }
    return unsafe FilePath(platformString: path).removingLastComponent()
  }
}
