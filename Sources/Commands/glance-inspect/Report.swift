import Pictures
import SystemPackage

/// What there is to say about a path, before it is laid out for a terminal or a page. Texts from
/// files are escaped for terminals already.
struct Report {
  /// The path.
  var title = ""
  /// What it is, in one line.
  var heading = ""
  /// Names and what there is to say of each.
  var facts: [Fact] = []
  /// What is wrong or worth knowing.
  var problems: [(severity: Severity, text: String)] = []
  /// What was asked, answered: these stand before everything else, or alone.
  var answers: [Section] = []
  /// What was asked for besides.
  var sections: [Section] = []
  /// The picture that the path is.
  var picture: (path: FilePath, format: PictureFormat)?

  typealias Fact = (name: String, text: String)

  enum Severity: String {
    case error, warning
  }

  /// One subject.
  struct Section {
    /// Heading of the section.
    var title: String
    var facts: [Fact] = []
    /// Sentences.
    var lines: [String] = []
    var table: Table?
    /// What stands below the table.
    var footer = ""

    init(_ title: String) { self.title = title }
  }

  /// Rows of a kind.
  struct Table {
    let columns: [Column]
    var rows: [[Cell]] = []
    /// What a page folds each row under; none, or as many as there are rows.
    var groups: [String] = []
    /// How many rows a terminal shows when there is no `--verbose`; nil for all.
    var limit: Int?

    init(_ columns: [Column], limit: Int? = nil) {
      self.columns = columns
      self.limit = limit
    }
  }

  /// A column of a table.
  struct Column {
    let name: String
    /// Whether numbers stand in it.
    var isNumber = false
    /// Whether these are bytes, which a page shows in units.
    var isBytes = false
    /// Whether its cells say themselves what they are.
    var isPlain = false
  }

  /// A place in a table.
  enum Cell {
    case text(String)
    case histogram([Int])
  }
}
