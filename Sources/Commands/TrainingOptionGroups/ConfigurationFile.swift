internal import CommandSupport
package import Failures
internal import Files
package import JSON
package import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// Options in a JSON object: every key is an option's long name; `true` sets a flag, a list gives an
/// option several times. Paths count from the file's folder.
///
/// The options of the file stand before those of the command line, which win.
package struct ConfigurationFile {
  /// Why it can't be used.
  package struct Failure: ClassifiedError, CustomStringConvertible {
    package let file: FilePath
    /// What is wrong.
    package let detail: String
    /// What went wrong in general.
    package let failureKind: FailureKind
    /// One line.
    package var description: String { "\(file): \(detail)" }

    /// What is wrong with a file.
    package init(file: FilePath, detail: String, failureKind: FailureKind) {
      self.file = file
      self.detail = detail
      self.failureKind = failureKind
    }
  }

  /// Options whose values are paths.
  package static let pathKeys = [
    "model", "transformer", "base", "image", "data", "output", "prompts", "checker", "cache",
    "torch",
  ]
  /// Options of which one takes the place of others: a folder of samples that of one picture.
  private static let rivals = [
    "data": ["image", "caption"], "image": ["data", "caption-lines"],
    "caption": ["data", "caption-lines"],
  ]

  package let file: FilePath
  /// Key and arguments of each option.
  package let options: [(key: String, arguments: [String])]

  /// The file named by `--config`, and the other arguments; nil when there is none.
  package static func find(_ arguments: [String]) throws -> (file: FilePath, rest: [String])? {
    var file: String?
    var rest: [String] = []
    var next = arguments.makeIterator()
    while let argument = next.next() {
      if argument == "--config" {
        guard let value = next.next() else { return nil }
        file = value
      } else if argument.hasPrefix("--config=") {
        file = String(argument.dropFirst("--config=".count))
      } else {
        rest.append(argument)
      }
    }
    guard let file, !file.isEmpty else { return nil }
    return (FilePath(file), rest)
  }

  /// Reads a file.
  ///
  /// - Throws: ``Failure``.
  package init(reading file: FilePath) throws {
    try self.init(try Self.object(in: file), of: file)
  }

  /// The options in an object of a file.
  ///
  /// - Throws: ``Failure``, that a value is none of an option.
  package init(_ object: JSONObject, of file: FilePath) throws {
    self.file = file
    let folder = Self.realPath(file.removingLastComponent())
    options = try object.members.map { member in
      (member.key, try Self.arguments(member, file: file, folder: folder))
    }
  }

  /// The object that a file holds.
  ///
  /// - Throws: ``Failure``.
  package static func object(in file: FilePath) throws -> JSONObject {
    let bytes: [UInt8]
    do { bytes = try readWhole(file, atMost: 1 << 20, takesPipes: true) } catch {
      throw Failure(
        file: file, detail: "cannot read: \(error.reason)", failureKind: .inputMissing)
    }
    let json: JSONValue
    do { json = try JSONValue(parsing: unsafe bytes.span.bytes) } catch {
      throw Failure(file: file, detail: "\(error)", failureKind: .wrongData)
    }
    guard let object = json.object else {
      throw Failure(file: file, detail: "expected a JSON object", failureKind: .wrongData)
    }
    return object
  }

  private static func arguments(
    _ member: JSONObject.Member, file: FilePath, folder: FilePath
  ) throws -> [String] {
    let option = "--" + member.key
    func argument(_ value: JSONValue) throws -> String {
      switch value {
      case .string(let text):
        let isPath = pathKeys.contains(member.key)
        return "\(option)=\(isPath ? path(text, from: folder).string : text)"
      case .integer(let number): return "\(option)=\(number)"
      case .number(let number): return "\(option)=\(number)"
      case .bool, .null, .array, .object:
        throw Failure(
          file: file,
          detail: "'\(member.key)': expected a text, a number, true or false, or a list of texts "
            + "or numbers", failureKind: .wrongData)
      }
    }
    switch member.value {
    case .bool(let isSet): return isSet ? [option] : []
    case .null: return []
    case .array(let values): return try values.map(argument)
    default: return [try argument(member.value)]
    }
  }

  /// The arguments of the file, without those that the command line gives or makes void, and then
  /// the command line's.
  package func arguments(before given: [String]) -> [String] {
    let keys = given.filter { $0.hasPrefix("--") }.map { argument in
      String(argument.dropFirst(2).prefix { $0 != "=" })
    }
    let void = Set(keys + keys.flatMap { Self.rivals[$0] ?? [] })
    return options.filter { !void.contains($0.key) }.flatMap(\.arguments) + given
  }

  /// What is wrong with the file when the parser complains about one of its options; nil when the
  /// complaint is about the command line.
  package func failure(for message: String, given: [String]) -> Failure? {
    guard let start = message.firstRange(of: "--")?.upperBound else { return nil }
    let named = message[start...].prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
    let isGiven = given.contains { argument in
      argument == "--\(named)" || argument.hasPrefix("--\(named)=")
    }
    guard !isGiven, options.contains(where: { $0.key == named }) else { return nil }
    return Failure(file: file, detail: InvalidNumber.explained(message), failureKind: .usage)
  }

  /// A path of the file, seen from where the command runs.
  package static func path(_ text: String, from folder: FilePath) -> FilePath {
    var path = FilePath(text)
    guard path.isRelative else { return path }
    var folder = folder
    // Right because the folder's own path has no links.
    while path.components.first?.kind == .parentDirectory, !folder.components.isEmpty {
      path = FilePath(root: nil, path.components.dropFirst())
      folder.removeLastComponent()
    }
    if path.components.first?.kind == .currentDirectory {
      path = FilePath(root: nil, path.components.dropFirst())
    }
    return path.isEmpty ? folder : folder.pushing(path)
  }

  /// The path without links, where it can be found; the current folder for an empty one.
  package static func realPath(_ path: FilePath) -> FilePath {
    guard let found = unsafe realpath(path.isEmpty ? "." : path.string, nil) else { return path }
    defer { unsafe free(found) }
    return unsafe FilePath(platformString: found)
  }
}
