internal import JSON
internal import Pictures
internal import Reports
internal import Tensors

/// Pictures, and the settings that drew them.
extension FactList {
  mutating func add(_ picture: PictureDescription) {
    heading = "\(picture.format.name) picture, \(picture.width)x\(picture.height)"
    add(
      "samples",
      "\(picture.color.rawValue), \(Readable.count(picture.channels, "channel")) of "
        + Readable.count(picture.bitDepth, "bit"))
    addMetadata(
      Metadata(
        picture.texts.filter { $0.settings == nil }.map { (key: $0.key, value: $0.text) }))
    if picture.skippedTextCount > 0 {
      add("", "\(Readable.count(picture.skippedTextCount, "text")) left unread")
    }
  }
}

extension Report.Section {
  /// The settings that glance-sample stored in a picture, one a line; nil when there are none.
  init?(settingsOf picture: PictureDescription, isVerbose: Bool) {
    guard let settings = picture.texts.lazy.compactMap(\.settings).first else { return nil }
    self.init("settings")
    for member in settings.members {
      let lines = member.value.settingLines
      for (index, line) in lines.enumerated() {
        facts.append(
          (
            index == 0 ? SafeText.terminal(member.key, limit: 80) : "",
            SafeText.terminal(line, limit: isVerbose ? 4000 : 200)
          ))
      }
    }
  }
}

extension PictureText {
  /// The object that glance-sample writes.
  fileprivate var settings: JSONObject? {
    key == "glance" ? (try? JSONValue(parsing: text))?.object : nil
  }
}

extension JSONValue {
  /// What stands for a setting: nothing for null, a line for each element and each line of a text.
  fileprivate var settingLines: [String] {
    switch self {
    case .null: []
    case .string(let text): text.lines
    case .array(let elements): elements.map(\.settingText)
    default: [settingText]
    }
  }

  /// A value on one line; an object as its members.
  private var settingText: String {
    switch self {
    case .string(let text): text
    case .object(let object):
      object.members.filter { $0.value != .null }
        .map { "\($0.key) \($0.value.settingText)" }.joined(separator: ", ")
    default: text(.compact)
    }
  }
}
