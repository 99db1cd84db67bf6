internal import ArgumentParser
internal import CommandSupport
internal import Failures
internal import JSON
internal import SystemPackage
internal import TrainingOptionGroups

/// A place in a table's file, for reading values there and saying what is wrong with them.
struct GridPlace {
  private let file: FilePath
  private let name: String?

  /// The whole file.
  init(_ file: FilePath, name: String? = nil) {
    self.file = file
    self.name = name
  }

  /// A part of the file.
  func of(_ name: String) -> GridPlace { GridPlace(file, name: name) }

  func failure(_ detail: String) -> ConfigurationFile.Failure {
    .init(
      file: file, detail: (name.map { "\($0): " } ?? "") + detail, failureKind: .wrongData)
  }

  func wrong(_ key: String, expected: String, found: JSONValue?) -> ConfigurationFile.Failure {
    failure("'\(key)': expected \(expected), found \(found?.text() ?? "nothing")")
  }

  func checkKeys(of object: JSONObject, among keys: [String]) throws {
    for member in object.members where !keys.contains(member.key) {
      throw failure("unknown key '\(member.key)'; expected \(keys.joined(separator: ", "))")
    }
  }

  /// An object; an empty one where nothing stands.
  func object(_ value: JSONValue?, _ key: String) throws -> JSONObject {
    guard let value else { return JSONObject() }
    guard let object = value.object else { throw wrong(key, expected: "an object", found: value) }
    return object
  }

  func text(_ value: JSONValue?, _ key: String) throws -> String? {
    guard let value else { return nil }
    guard let text = value.string else { throw wrong(key, expected: "a text", found: value) }
    return text
  }

  func number(_ value: JSONValue?, _ key: String) throws -> Double? {
    guard let value else { return nil }
    guard let number = value.double, number.isFinite else {
      throw wrong(key, expected: "a number", found: value)
    }
    return number
  }

  func count(_ value: JSONValue?, _ key: String) throws -> Int? {
    guard let value else { return nil }
    guard case .integer(let number) = value, (1...1000).contains(number) else {
      throw wrong(key, expected: "a whole number from 1 to 1000", found: value)
    }
    return Int(number)
  }

  /// A path that has to be there, from the file's folder.
  func path(_ value: JSONValue?, _ key: String) throws -> FilePath {
    guard let text = value?.string, !text.isEmpty else {
      throw wrong(key, expected: "a path, here or on the command line", found: value)
    }
    return path(FilePath(text))
  }

  /// A path seen from the file's folder.
  func path(_ path: FilePath) -> FilePath {
    ConfigurationFile.path(
      path.string, from: ConfigurationFile.realPath(file.removingLastComponent()))
  }

  /// Options by their long names in an object.
  func options<Options: ParsableArguments>(
    _ type: Options.Type, in value: JSONValue?, _ key: String
  ) throws -> Options {
    let options = try ConfigurationFile(try object(value, key), of: file).options
    do { return try Options.parse(options.flatMap(\.arguments)) } catch {
      throw failure("'\(key)': \(Options.message(for: error))")
    }
  }
}
