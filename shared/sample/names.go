package sample

// names are what people of a country are called, and how that is spelt in an
// e-mail address.
type names struct {
	first, last   []string
	firsts, lasts []string // in plain letters
	familyFirst   bool
}

// plain makes names that need no other spelling.
func plain(first, last []string) *names {
	return &names{first: first, last: last, firsts: first, lasts: last}
}

var (
	english    = plain(list("Olivia", "Noah", "Amelia", "Jack", "Grace", "Leo", "Ruby", "Ethan", "Hazel", "Owen", "Nora", "Caleb"), list("Carter", "Hughes", "Brooks", "Walsh", "Foster", "Reid", "Palmer", "Quinn", "Barrett", "Marsh", "Doyle", "Pierce"))
	dutch      = plain(list("Sanne", "Daan", "Fleur", "Bram", "Lotte", "Thijs", "Eva", "Sem"), list("Bakker", "Visser", "Smit", "Mulder", "Dekker", "Bos", "Kuiper", "Hoekstra"))
	indian     = plain(list("Aarav", "Diya", "Rohan", "Ananya", "Vikram", "Meera", "Arjun", "Kavya", "Nikhil", "Priya"), list("Sharma", "Iyer", "Patel", "Reddy", "Nair", "Gupta", "Bose", "Kulkarni", "Menon", "Joshi"))
	nigerian   = plain(list("Chidi", "Amara", "Tunde", "Ngozi", "Emeka", "Folake", "Ifeanyi", "Zainab"), list("Okafor", "Adeyemi", "Eze", "Balogun", "Nwosu", "Bello", "Okoye", "Lawal"))
	german     = &names{first: list("Jürgen", "Anke", "Lukas", "Mia", "Jörg", "Lena", "Felix", "Käthe", "Jonas", "Greta"), firsts: list("Juergen", "Anke", "Lukas", "Mia", "Joerg", "Lena", "Felix", "Kaethe", "Jonas", "Greta"), last: list("Müller", "Schäfer", "Weiß", "Krüger", "Vogel", "Lindner", "Böhm", "Hartmann", "Seidel", "Kühn"), lasts: list("Mueller", "Schaefer", "Weiss", "Krueger", "Vogel", "Lindner", "Boehm", "Hartmann", "Seidel", "Kuehn")}
	french     = &names{first: list("Chloé", "Hugo", "Inès", "Théo", "Manon", "Éloïse", "Lucas", "Zoé"), firsts: list("Chloe", "Hugo", "Ines", "Theo", "Manon", "Eloise", "Lucas", "Zoe"), last: list("Lefèvre", "Moreau", "Girard", "Faure", "Dubois", "Mercier", "Blanc", "Chevalier"), lasts: list("Lefevre", "Moreau", "Girard", "Faure", "Dubois", "Mercier", "Blanc", "Chevalier")}
	spanish    = &names{first: list("Lucía", "Mateo", "Sofía", "Andrés", "Valeria", "Íñigo", "Carmen", "Javier"), firsts: list("Lucia", "Mateo", "Sofia", "Andres", "Valeria", "Inigo", "Carmen", "Javier"), last: list("Núñez", "Romero", "Castillo", "Vázquez", "Ibáñez", "Molina", "Herrera", "Campos"), lasts: list("Nunez", "Romero", "Castillo", "Vazquez", "Ibanez", "Molina", "Herrera", "Campos")}
	portuguese = &names{first: list("João", "Beatriz", "Thiago", "Letícia", "Caio", "Luísa", "Rafael", "Camila"), firsts: list("Joao", "Beatriz", "Thiago", "Leticia", "Caio", "Luisa", "Rafael", "Camila"), last: list("Araújo", "Barbosa", "Teixeira", "Gonçalves", "Rocha", "Moura", "Simões", "Freitas"), lasts: list("Araujo", "Barbosa", "Teixeira", "Goncalves", "Rocha", "Moura", "Simoes", "Freitas")}
	nordic     = &names{first: list("Åsa", "Björn", "Elin", "Oskar", "Sigrid", "Nils", "Maja", "Göran"), firsts: list("Asa", "Bjorn", "Elin", "Oskar", "Sigrid", "Nils", "Maja", "Goran"), last: list("Lindqvist", "Sjöberg", "Ekström", "Nyström", "Hedlund", "Åkerman", "Holm", "Bergström"), lasts: list("Lindqvist", "Sjoberg", "Ekstrom", "Nystrom", "Hedlund", "Akerman", "Holm", "Bergstrom")}
	polish     = &names{first: list("Łukasz", "Zofia", "Paweł", "Agnieszka", "Michał", "Małgorzata", "Jakub", "Ewa"), firsts: list("Lukasz", "Zofia", "Pawel", "Agnieszka", "Michal", "Malgorzata", "Jakub", "Ewa"), last: list("Wójcik", "Kamiński", "Zając", "Wiśniewski", "Mazur", "Dąbrowski", "Król", "Pawlak"), lasts: list("Wojcik", "Kaminski", "Zajac", "Wisniewski", "Mazur", "Dabrowski", "Krol", "Pawlak")}
	japanese   = &names{first: list("陽菜", "蓮", "葵", "湊", "さくら", "大翔", "結衣", "樹"), firsts: list("Hina", "Ren", "Aoi", "Minato", "Sakura", "Hiroto", "Yui", "Itsuki"), last: list("佐藤", "鈴木", "高橋", "田中", "渡辺", "伊藤", "山本", "中村"), lasts: list("Sato", "Suzuki", "Takahashi", "Tanaka", "Watanabe", "Ito", "Yamamoto", "Nakamura"), familyFirst: true}
	korean     = &names{first: list("민준", "서연", "지우", "하은", "도윤", "수아", "시우", "유나"), firsts: list("Minjun", "Seoyeon", "Jiwoo", "Haeun", "Doyun", "Sua", "Siwoo", "Yuna"), last: list("김", "이", "박", "최", "정", "강", "조", "윤"), lasts: list("Kim", "Lee", "Park", "Choi", "Jung", "Kang", "Cho", "Yoon"), familyFirst: true}
)

func list(s ...string) []string { return s }
